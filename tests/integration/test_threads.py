"""Plans and certificates do not depend on how many cores or threads a machine has."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.national_round import national_round
from benchmarks.rounds_like import innocore_like
from tests.rounds import Document

ROOT = Path(__file__).resolve().parents[2]
CORES = sorted(os.sched_getaffinity(0))
ON_CORES = """
import os, runpy, sys
cores = {int(each) for each in sys.argv.pop(1).split(",")}
os.sched_setaffinity(0, cores)
sys.argv[0] = "dure"
runpy.run_module("api.cli", run_name="__main__")
"""


def solved(folder: Path, policy: str, threads: int) -> tuple[bytes, bytes]:
    """Return plan and certificate of a fresh process that may use so many cores and threads."""
    cores = ",".join(str(each) for each in CORES[:threads])
    plan, proof = folder / f"plan-{threads}.json", folder / f"proof-{threads}.json"
    limits = ("--work", "40", "--seed", "3", "--policy", policy, "--quiet")
    files = (folder / "round.json", "-o", plan, "--certificate", proof)
    done = subprocess.run(
        [sys.executable, "-c", ON_CORES, cores, "solve", *map(str, files), *limits],
        env=os.environ | {"OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 3}, done.stderr
    return plan.read_bytes(), proof.read_bytes()


@pytest.mark.skipif(len(CORES) < 2, reason="One core is all there is.")
@pytest.mark.parametrize(
    ("document", "policy"),
    [
        (innocore_like(8, 5), "entitlement"),
        (national_round(8, 2), "entitlement"),
        (innocore_like(8, 6), "weighted"),
    ],
    ids=["flexible", "every rule", "weighted"],
)
def test_one_core_and_two_give_the_same_bytes(document: Document, policy: str, tmp_path) -> None:
    """Same round, policy, seed and work limit: the same plan and certificate, byte by byte."""
    (tmp_path / "round.json").write_text(json.dumps(document, default=float))
    assert solved(tmp_path, policy, 1) == solved(tmp_path, policy, 2)
