"""A fresh center for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.center import Center, build


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    """A small center with people of every role, over HTTP without a network."""
    made = build(tmp_path)
    yield made
    made.close()
