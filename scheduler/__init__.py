"""The center: its nouns, its verbs, its rows."""
