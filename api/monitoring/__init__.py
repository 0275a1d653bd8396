"""What monitoring says of the center, read from the store; nothing sets a metric in a decision."""
