"""The rounds that measurements run on."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHIPPED = HERE / "rounds"
PUBLIC = HERE.parent.parent / "shared" / "data" / "rounds"
"""Public rounds that may not be shipped; they lie beside the checkout where they are present."""


def rounds() -> list[Path]:
    """Return the round files that are here: the public ones if present, else the shipped two."""
    folder = PUBLIC if PUBLIC.is_dir() else SHIPPED
    return sorted(folder.glob("*.json.gz"))


def reference() -> dict[str, dict[str, float]]:
    """Return independently computed bounds by round, empty when they are not here."""
    path = PUBLIC / "reference.json"
    return json.loads(path.read_text())["rounds"] if path.is_file() else {}


def name_of(path: Path) -> str:
    """Return a round's name."""
    return path.name.removesuffix(".json.gz")


def table(header: list[str], rows: list[list[object]]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
