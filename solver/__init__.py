"""Integer arrays in, a plan and its proof out."""
