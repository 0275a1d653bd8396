"""The nouns of the center, in plain Python."""
