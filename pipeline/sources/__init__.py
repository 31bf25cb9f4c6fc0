"""Reads what a source delivers, from files and databases, into tables of distinct pairs.

Whether a delivery is good enough is decided in `checks`.
"""
