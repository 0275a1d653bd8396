"""Exact leximin over few pools without a time axis: the search goes through their prices."""
