"""The git origin of the data repository: clones, claims, branches."""
