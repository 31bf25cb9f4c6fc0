"""Metrics, their intervals, heuristics and calibration.

The decision that is made with them is in `pipeline.promotion`.
"""
