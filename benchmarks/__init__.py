"""Measurements: how fast, how good, against whom."""
