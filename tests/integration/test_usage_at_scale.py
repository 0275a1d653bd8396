"""Usage in bulk: ten thousand slices told twice, late, in part and in two orders."""

from pathlib import Path

from benchmarks.usage import play


def test_the_books_are_exact_whatever_the_order(tmp_path: Path):
    """Two stores that were told the same in other orders hold what plain addition says."""
    figures = play(10_000, 7, tmp_path)
    assert figures["slices"] >= 10_000
    assert figures["told"] > figures["runs"]
    assert 0 < figures["outside"] < figures["gpu_seconds"]
