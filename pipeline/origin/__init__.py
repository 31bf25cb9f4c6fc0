"""The git origin of the data repository: clones, branches, claims; what lies in it is in `ledger` and `snapshots`."""
