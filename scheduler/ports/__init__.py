"""What operations need of the world, as protocols."""
