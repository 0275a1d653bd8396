"""The integers: a program per tier, its relaxation, its branching, its codes."""
