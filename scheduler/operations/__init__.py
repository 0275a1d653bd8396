"""The verbs of the center: load, decide, save."""
