"""Metrics, intervals, heuristics, calibration."""
