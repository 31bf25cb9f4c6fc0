"""The door to deliveries: files and databases, read into tables of distinct pairs.

What must hold of them is in `checks`.
"""
