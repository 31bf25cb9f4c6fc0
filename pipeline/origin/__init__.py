"""The git origin of the data repository: clones and branches. See `ledger` and `snapshots` for what it stores."""
