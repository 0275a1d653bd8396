"""Kept machine code is used where it is whole and fresh; else a kernel is compiled."""

import errno
import hashlib
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numba.core import caching

CALLEE = """
from solver.kernels import kernel
STEP = {step}

@kernel
def stepped(number):
    return number + STEP
"""
CALLER = """
from solver.kernels import kernel
from callee import stepped

@kernel
def doubled(number):
    return {factor} * stepped(number)
"""
RACER = """
import sys
sys.path.insert(0, {folder!r})
from caller import doubled
for text in sys.argv[1:]:
    print(doubled(int(text) if text.isdigit() else float(text)))
"""
Damage = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of two modules with a kernel each, one of which calls the other."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # its files are told apart by seconds
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write(tmp_path, step=1, factor=2)
    return tmp_path


def write(folder: Path, *, step: int, factor: int) -> None:
    """Write both modules."""
    (folder / "callee.py").write_text(CALLEE.format(step=step))
    (folder / "caller.py").write_text(CALLER.format(factor=factor))


def fresh(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import both modules as a new process would."""
    for name in ("caller", "callee"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
    return importlib.import_module("caller")


def hits(module: ModuleType) -> int:
    """Return how many signatures of the calling kernel were not compiled."""
    counts: Any = module.doubled.stats
    return sum(counts.cache_hits.values())


def kept(folder: Path) -> list[Path]:
    """Return the files of the calling kernel."""
    return sorted(folder.rglob("caller.doubled-*.kernel"))


def refuse(_: object) -> None:
    """Refuse like a file system that is mounted for reading."""
    raise PermissionError(errno.EROFS, "Read-only file system")


def test_code_lies_beside_the_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process finds what the first one compiled."""
    assert fresh(monkeypatch).doubled(3) == 8
    assert [folder / "__pycache__"] == [path.parent for path in kept(folder)]
    again = fresh(monkeypatch)
    assert (8, 1) == (again.doubled(3), hits(again))


def test_a_read_only_package_is_served_from_the_cache_of_the_user(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing may be written beside the source, code is kept in the user's folder."""
    monkeypatch.setattr(caching.InTreeCacheLocator, "ensure_cache_path", refuse)
    assert fresh(monkeypatch).doubled(3) == 8
    assert all(path.is_relative_to(folder / "cache") for path in kept(folder))
    again = fresh(monkeypatch)
    assert (8, 1) == (again.doubled(3), hits(again))


def test_where_nothing_may_be_written_a_process_compiles_for_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither importing nor calling a kernel needs a folder."""
    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", refuse)
    module = fresh(monkeypatch)
    assert (8, 0, []) == (module.doubled(3), hits(module), kept(folder))


def test_a_full_disk_costs_the_file_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be saved is compiled all the same, and no half file stays."""

    def full(path: Path, _: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert fresh(patch).doubled(3) == 8
    assert [] == list(folder.rglob("*.kernel*"))


def flip(path: Path) -> None:
    """Turn one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def forge(path: Path) -> None:
    """Seal what is no pickle."""
    body = b"neither code nor pickle"
    path.write_bytes(hashlib.sha256(body).digest() + body)


def block(path: Path) -> None:
    """Put a folder in the place of the file."""
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Damage] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "one bit turned": flip,
    "sealed nonsense": forge,
    "a folder": block,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_code_is_not_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, damage: Damage
) -> None:
    """Damaged files are compiled over; the next process finds whole ones where that can be."""
    fresh(monkeypatch).doubled(3)
    for path in kept(folder):
        damage(path)
    module = fresh(monkeypatch)
    assert (8, 0) == (module.doubled(3), hits(module))
    again = fresh(monkeypatch)
    assert (8, int(damage is not block)) == (again.doubled(3), hits(again))


@pytest.mark.parametrize(
    ("step", "factor", "expected"), [(5, 2, 16), (1, 3, 12), (5, 3, 24)], ids=str
)
def test_stale_code_is_not_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int, factor: int, expected: int
) -> None:
    """A kernel is compiled anew when it, a kernel of another module or a constant has changed."""
    fresh(monkeypatch).doubled(3)
    write(folder, step=step, factor=factor)
    module = fresh(monkeypatch)
    assert (expected, 0) == (module.doubled(3), hits(module))


def test_processes_that_compile_at_once_do_not_mix_up_their_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two signatures compiled by three processes at once: right answers, and both are kept."""
    script = folder / "race.py"
    script.write_text(RACER.format(folder=str(folder)))
    racers = [
        subprocess.Popen([sys.executable, script, *order], stdout=subprocess.PIPE, text=True)
        for order in (("3", "3.5"), ("3.5", "3"), ("3", "3.5"))
    ]
    answers = [racer.communicate()[0].split() for racer in racers]
    assert [["8", "9.0"], ["9.0", "8"], ["8", "9.0"]] == answers
    module = fresh(monkeypatch)
    assert (8, 9.0, 2) == (module.doubled(3), module.doubled(3.5), hits(module))
