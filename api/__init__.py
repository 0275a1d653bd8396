"""The doors: HTTP, command line, metrics."""
