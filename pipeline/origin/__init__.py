"""The git origin of the data repository: clones, branches, claims. See `ledger` and `snapshots` for what it stores."""
