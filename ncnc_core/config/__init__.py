"""Closed choices and the two configurations; loads no torch (what `params.yaml` is checked with)."""
