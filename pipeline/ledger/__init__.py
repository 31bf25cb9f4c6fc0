"""The ledger: what came of each night and of each alias, and pure functions of its entries.

MLflow's side is in `registry`.
"""
