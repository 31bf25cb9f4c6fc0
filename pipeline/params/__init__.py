"""Params.yaml."""
