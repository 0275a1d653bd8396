"""`make bench`: run every measurement and print its table.

`python -m benchmarks NAME …` runs some of them. Results go to the screen as Markdown, to be pasted
into benchmarks/README.md together with the provenance line that stands on top.
"""

import importlib
import platform
import sys
from importlib.metadata import version

SUBJECTS = (
    "start_up",
    "entitle",
    "few_pools",
    "peers",
    "round_peers",
    "growth",
    "moves",
    "counts",
    "policies",
    "select",
    "national",
    "verify",
    "explain",
    "gaming",
    "spread",
    "books",
    "usage",
    "scrape",
    "simulate",
    "enforce",
    "demo",
)


def provenance() -> str:
    """Return where the figures come from."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("ortools", "numba", "numpy"))
    return f"{platform.machine()}, Python {platform.python_version()}, {libraries}"


def main(names: list[str]) -> int:
    """Run the named subjects, or all of them."""
    unknown = [name for name in names if name not in SUBJECTS]
    if unknown:
        print(f"Unknown: {', '.join(unknown)}. There are: {', '.join(SUBJECTS)}.", file=sys.stderr)
        return 2
    print(f"_{provenance()}_\n")
    for name in names or SUBJECTS:
        importlib.import_module(f"benchmarks.{name}").main()
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
