"""Policies and settings as data."""
