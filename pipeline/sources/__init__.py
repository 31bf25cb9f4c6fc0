"""The door to deliveries: files and databases, read into tables of distinct pairs.

A delivery that is empty, too old or cannot be read is refused here; thresholds on its content are in `checks`.
"""
