"""The command line, one file for each group of verbs, with the tables it prints.

The work is done in the packages below.
"""
