"""A year of a center in virtual time, by the real operations on a real store."""
