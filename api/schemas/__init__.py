"""What strangers may say to us and what we answer: strict models, nothing unknown."""
