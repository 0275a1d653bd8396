"""What the checker rests on: standard library alone, and nothing that proves."""
