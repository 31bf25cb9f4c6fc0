"""Compiled loops for the CPU, each with a plain twin that the tests hold it against.

They see arrays only; graphs are in `graph`.
"""
