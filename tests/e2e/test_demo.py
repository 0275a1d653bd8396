"""The demo from end to end on a small round, with every part real."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rounds import a_request

ROOT = Path(__file__).resolve().parents[2]


def a_small_round():
    """Return four fellows of two institutes who ask for more than there is."""
    fellows = [
        {"id": f"f{index}", "group": f"g{index % 2}", "institute": "KAIST" if index % 2 else "GIST"}
        for index in range(4)
    ]
    asks = [
        a_request(id=f"q{index}", fellow=f"f{index % 4}", score=90 - 5 * index)
        for index in range(6)
    ]
    asks[5]["after"] = "q1"
    return {
        "schema": "dure-round/1",
        "id": "small",
        "title": "A small round",
        "calendar": {"starts_on": None, "slot_hours": 10, "slots": 2},
        "groups": [{"id": "g0", "weight": 1}, {"id": "g1", "weight": 2}],
        "fellows": fellows,
        "pools": [
            {
                "id": "a",
                "gpu_type": "H200",
                "nodes": 1,
                "gpus_per_node": 4,
                "supply_gpu_hours": [40, 40],
            }
        ],
        "requests": asks,
    }


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the demo told, run in a folder of its own until its end."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "round.json").write_text(json.dumps(a_small_round()), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "demo", "--round", "round.json"],
        cwd=folder,
        env={**os.environ, "DEMO_EXIT": "1", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return folder, done.stdout


def test_every_request_is_receipted(told):
    """Each request was submitted over HTTP and answered by a receipt."""
    assert "6 receipts" in told[1]


@pytest.mark.parametrize("policy", ["entitlement", "rank_and_fund", "proportional"])
def test_policies_compete(told, policy):
    """Each policy was solved by the worker and stands in the comparison."""
    assert f"Solve under {policy}" in told[1]


def test_reasons_come_in_both_languages(told):
    """A funded request is explained in English and in Korean."""
    text = told[1]
    assert "funded: " in text
    assert "English:\n" in text
    assert "한국어:\n" in text


def test_the_certificate_was_checked_without_a_solver(told):
    """The fresh interpreter found every rule kept, on files that lie there."""
    folder, text = told
    assert "Every rule holds." in text
    assert [] != list(folder.glob("var/demo-*/certificate.json"))


def test_metrics_were_scraped(told):
    """The slice shows use of the pool after publication."""
    assert 'dure_utilization_ratio{pool="a"' in told[1]


def test_nothing_is_left_running(told):
    """With DEMO_EXIT the center ends, and its store is whole."""
    folder, _ = told
    store = next(folder.glob("var/demo-*/dure.db"))
    checked = subprocess.run(
        [sys.executable, "-m", "api.cli", "admin", "check-chain"],
        cwd=ROOT,
        env={
            **os.environ,
            "DURE_STORE_URL": f"sqlite:///{store}",
            "DURE_SECRET_FILE": str(store.with_name("secret")),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (0, "The chain holds.\n") == (checked.returncode, checked.stdout)
