"""What other programs wrote, read into the center's nouns."""
