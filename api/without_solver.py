"""Runs `dure` in an interpreter where no solver and no array library can be imported.

``python -m api.without_solver verify ROUND PLAN CERT`` shows that the checker rests on
plain integers: whatever would import OR-Tools, numba or numpy dies.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

BLOCKED = frozenset({"ortools", "numba", "llvmlite", "numpy"})


class Blocker(MetaPathFinder):
    """Refuses to find the blocked packages, installed or not."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse a blocked package and leave all others to the next finder.

        Raises:
            ModuleNotFoundError: If the name belongs to a blocked package.
        """
        del path, target
        if fullname.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{fullname} is blocked here.", name=fullname)
        return None


if __name__ == "__main__":
    sys.meta_path.insert(0, Blocker())
    from api.cli import main  # after the blocker, or the program would be loaded before it

    main()
