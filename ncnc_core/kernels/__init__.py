"""Compiled loops for the CPU, each with a plain twin that the tests hold it against."""
