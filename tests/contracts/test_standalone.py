"""The standalone checker is the checker: one source, the same answers, nothing but Python."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest

from scheduler.document import load_document
from scheduler.policy import find_policy, presets
from solver.canonical import canonical
from solver.checking.report import verdict_text
from solver.standalone import program
from solver.verify import verify
from tests.proofs import Proof, prove
from tests.rounds import a_request, a_round

SHIPPED = Path(__file__).parents[2] / "benchmarks" / "rounds"
AS_IN_39 = """
import builtins, dataclasses, itertools, runpy, sys, typing
sys.version_info = (3, 9, 0, "final", 0)
del itertools.pairwise, typing.TypeAlias
newer_zip, newer_dataclass = builtins.zip, dataclasses.dataclass

def zip(*columns):
    return newer_zip(*columns)

def dataclass(cls=None, /, *, init=True, repr=True, eq=True, order=False, frozen=False):
    return newer_dataclass(cls, init=init, repr=repr, eq=eq, order=order, frozen=frozen)

builtins.zip, dataclasses.dataclass = zip, dataclass
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Takes away what the file knows to be newer than Python 3.9, then runs it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with nothing but the program."""
    path = tmp_path_factory.mktemp("standalone")
    (path / "dure-verify.py").write_text(program(), encoding="utf-8")
    (path / "old.py").write_text(AS_IN_39, encoding="utf-8")
    return path


@cache
def proofs() -> dict[str, Proof]:
    """Return a scarce small round under every preset, and a shipped round under two."""
    small = a_round(
        requests=[
            a_request(minimum_gpu_hours=5),
            a_request(id="r2", fellow="f2", score=60, gpu_hours=33.5),
            a_request(id="r3", fellow="f2", score=90, minimum_gpu_hours=30),
        ]
    )
    korea = load_document(SHIPPED / "kr2026.json.gz")
    asked = [(name, small, name) for name in presets()]
    asked += [("kr2026", korea, "rank_and_fund"), ("kr2026, whole", korea, "whole_server")]
    found = {}
    for title, round_, policy in asked:
        proof = prove(round_, dict(find_policy(policy).document))
        assert proof is not None, title
        found[title] = proof
    return found


def tampered(proof: Proof) -> Iterator[Proof]:
    """Yield forgeries that the checker meets early, late and not at all."""
    for part, change in (
        ("plan", lambda plan: plan["awards"][0]["cells"][0].__setitem__(2, 10**6)),
        ("plan", lambda plan: plan.pop("stages")),
        ("plan", lambda plan: plan["measures"].__setitem__("funded", 10**6)),
        ("certificate", lambda written: written["plan"].__setitem__("digest", "0" * 64)),
        ("round", lambda round_: round_["requests"].pop()),
    ):
        forged = deepcopy(proof)
        change(getattr(forged, part))
        yield forged


def run(folder: Path, proof: Proof, *before: str) -> subprocess.CompletedProcess[str]:
    """Run the program on the documents, as a file each."""
    names = []
    for name in ("round", "plan", "certificate"):
        names.append(f"{name}.json")
        (folder / names[-1]).write_bytes(canonical(getattr(proof, name)))
    command = [sys.executable, "-I", "-S", *before, "dure-verify.py", *names]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def expected(proof: Proof) -> tuple[int, str, str]:
    """Return exit code and both outputs as `dure verify` gives them."""
    verdict = verify(proof.round, proof.plan, proof.certificate)
    witnesses = [f"broken: {each.rule}: {each.text}\n" for each in verdict.witnesses]
    return 0 if verdict.holds else 7, verdict_text(verdict) + "\n", "".join(witnesses)


@pytest.mark.parametrize("title", [*presets(), "kr2026", "kr2026, whole"])
def test_the_program_says_what_the_checker_says(folder: Path, title: str) -> None:
    """In an empty directory, without site-packages, every line and the exit code are the same."""
    proof = proofs()[title]
    done = run(folder, proof)
    assert (0, "") == (done.returncode, done.stderr)
    assert expected(proof) == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("title", ["entitlement", "kr2026"])
def test_the_program_needs_nothing_newer_than_python_3_9(folder: Path, title: str) -> None:
    """Where what came with later versions is taken away, the answers are the same."""
    proof = proofs()[title]
    done = run(folder, proof, "old.py")
    assert (0, "") == (done.returncode, done.stderr)
    assert expected(proof) == (done.returncode, done.stdout, done.stderr)


def test_the_program_refuses_what_the_checker_refuses(folder: Path) -> None:
    """Forged documents end with 7 and the same witnesses."""
    for forged in tampered(proofs()["entitlement"]):
        done = run(folder, forged)
        assert 7 == done.returncode
        assert expected(forged) == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\x1f\x8b broken", b"\xff"]
)
def test_a_file_that_is_none_ends_with_2(folder: Path, content: bytes) -> None:
    """What is no JSON object is named, and nothing is checked."""
    (folder / "odd.json").write_bytes(content)
    command = [sys.executable, "-I", "-S", "dure-verify.py", "odd.json", "odd.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (2, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("odd.json: ")
    assert 1 == done.stderr.count("\n")


def test_the_program_tells_its_usage(folder: Path) -> None:
    """Without files it says how it is called, and ends with 2."""
    command = [sys.executable, "-I", "-S", "dure-verify.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (2, "Usage: python dure-verify.py ROUND PLAN [CERTIFICATE]\n") == (
        done.returncode,
        done.stderr,
    )


def test_the_command_prints_the_program() -> None:
    """`dure verify --standalone` is that file, the same in every process."""
    command = [sys.executable, "-m", "api.cli", "verify", "--standalone"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert program() == done.stdout


def test_the_program_is_python_3_9_and_the_standard_library_alone() -> None:
    """It parses as 3.9, imports no package, and keeps every docstring."""
    tree = ast.parse(program(), feature_version=(3, 9))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert imported <= sys.stdlib_module_names
    functions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assert len(functions) > 100
    assert [] == [node.name for node in functions if ast.get_docstring(node) is None]


def test_a_round_without_certificate_is_checked_too(folder: Path) -> None:
    """Two files are enough for the rules that need neither policy nor proof."""
    proof = proofs()["entitlement"]
    run(folder, proof)
    command = [sys.executable, "-I", "-S", "dure-verify.py", "round.json", "-"]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        input=canonical(proof.plan).decode(),
    )
    assert (0, verdict_text(verify(proof.round, proof.plan)) + "\n") == (
        done.returncode,
        done.stdout,
    )
