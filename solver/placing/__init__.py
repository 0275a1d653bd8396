"""Where whole gang-hours go: boards, windows, placement, moves."""
