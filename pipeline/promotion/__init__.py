"""The gate decides; `nominate` asks a person; `register` makes a version; `promote` makes the version champion.

The figures come from `evaluation`.
"""
