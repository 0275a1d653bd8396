"""`dure enforce` and `dure admin enforcement-key`: what they ask, send, print and end with."""

import json
import os
import signal
import threading
import time
from datetime import UTC, datetime
from functools import partial

import pytest

from api.commands import enforce
from api.signing import cluster_key, signed
from api.slurm import SlurmCluster, SlurmRefused, call_slurm
from tests.fake_slurm import CONFIG, FakeSlurm
from tests.unit.export.test_slurm import a_person, a_plan, a_reservation
from tests.unit.test_cli_online import center, dure

__all__ = ["center", "dure"]

KEY = cluster_key(b"secret", "duru")
TARGET = {
    "id": "duru",
    "form": "associations",
    "gpu_types": {"H200": "h200"},
    "waiting": 2,
    "drift": 1,
    "left": 0,
    "reported_at": None,
}


@pytest.fixture
def slurm(monkeypatch):
    """This machine's cluster."""
    fake = FakeSlurm()
    monkeypatch.setattr(enforce, "SlurmCluster", partial(SlurmCluster, call=fake))
    return fake


@pytest.fixture
def at_cluster(center, tmp_path):
    """Options of an agent whose center answers a plan of two fellows and a reservation."""
    reserved = a_reservation(ends_at=datetime(2999, 1, 1, tzinfo=UTC))
    plan = a_plan(a_person(), a_person("jun"), reservations=(reserved,))
    answer = signed(plan, through=5, apply=True, key=KEY)
    center.answers["GET", "/api/v1/enforcement/plans/duru"] = (200, answer)
    center.answers["POST", "/api/v1/enforcement/reports"] = (201, TARGET)
    (tmp_path / "key").write_text(KEY)
    memory = str(tmp_path / "memory.json")
    return ["--cluster", "duru", "--key", str(tmp_path / "key"), "--memory", memory]


def test_a_plan_is_shown_and_changes_nothing(dure, slurm, at_cluster, capsys, tmp_path):
    """Every command stands there, the flat file is written, the cluster is as before."""
    flat = tmp_path / "first.load"
    assert 0 == dure("enforce", "plan", *at_cluster, "--flat-file", str(flat))
    out = capsys.readouterr().out
    assert "sacctmgr -i load FILE" in out
    assert "scontrol create reservation ReservationName=awd_1-0" in out
    assert "User - 'jun'" in flat.read_text()
    assert 0 == slurm.commands
    assert 0 == dure("enforce", "plan", *at_cluster, "--json")
    body = json.loads(capsys.readouterr().out)
    assert ("dure-slurm-difference/1", 2) == (body["schema"], len(body["associations"]))


def test_apply_changes_and_reports(dure, slurm, at_cluster, center, capsys):
    """Once with commands, then none; each time the center hears of it."""
    assert 0 == dure("enforce", "apply", *at_cluster, "--yes")
    assert "2 commands, as planned." in capsys.readouterr().out
    assert {"awd_1-0"} == set(slurm.reservations)
    slurm.places["g-vision", "jun"]["GrpSubmitJobs"] = "0"
    assert 0 == dure("enforce", "agent", *at_cluster, "--yes", "--once", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (True, 1, 1, 0) == tuple(told[name] for name in ("applied", "commands", "drift", "left"))
    sent = json.loads(center.seen[-1][2])
    assert ("g-vision/jun", "GrpSubmitJobs=0") == (
        sent["differences"][0]["name"],
        sent["differences"][0]["found"],
    )


@pytest.fixture
def signals():
    """The handlers of this process, put back afterwards."""
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


class FirstRefused:
    """Chance that lets the first command fail and no other."""

    def __init__(self):
        self.asked = 0

    def random(self):
        """Return a small number once."""
        self.asked += 1
        return float(self.asked > 1)


@pytest.mark.usefixtures("signals")
def test_an_agent_looks_again_until_it_is_told_to_stop(dure, slurm, at_cluster, center, capsys):
    """A look that fails is told and not the end; the next one finishes the work."""
    slurm.fails, slurm.chance = 0.5, FirstRefused()

    def stop() -> None:
        while not any(path.endswith("/reports") for _, path, *_ in center.seen):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop, daemon=True).start()
    assert 0 == dure("enforce", "agent", *at_cluster, "--yes", "--period", "1")
    told = capsys.readouterr()
    assert ("connection refused" in told.err, "as planned" in told.out) == (True, True)


def test_what_is_not_to_be_trusted_ends_with_seven(dure, slurm, at_cluster, tmp_path):
    """Another key, no key, a cluster that refuses: each has its exit code."""
    (tmp_path / "key").write_text(cluster_key(b"other", "duru"))
    assert 7 == dure("enforce", "apply", *at_cluster, "--yes")
    (tmp_path / "key").write_text("no key")
    assert 2 == dure("enforce", "apply", *at_cluster, "--yes")
    (tmp_path / "key").write_text(KEY)
    slurm.fails = 1.0
    assert 1 == dure("enforce", "apply", *at_cluster, "--yes")
    assert 0 == slurm.commands


def test_targets_syncs_and_drift(dure, center, capsys):
    """Listed, asked for, and counted for scripts."""
    listing = {"items": [TARGET], "next_cursor": None}
    center.answers["GET", "/api/v1/enforcement/targets"] = (200, listing)
    assert 0 == dure("enforce", "targets")
    assert "never" in capsys.readouterr().out
    center.answers["POST", "/api/v1/enforcement/syncs"] = (202, TARGET)
    assert 0 == dure("enforce", "sync", "duru", "--reason", "Go.", "--yes")
    assert {"target": "duru", "reason": "Go."} == json.loads(center.seen[-1][2])
    drift = {"target": "duru", "name": "g/x", "expected": "a", "found": "b"}
    center.answers["GET", "/api/v1/enforcement/drift"] = (200, {"items": [drift]})
    assert 3 == dure("enforce", "drift", "--exit-code")
    center.answers["GET", "/api/v1/enforcement/drift"] = (200, {"items": []})
    assert 0 == dure("enforce", "drift", "--exit-code")
    assert "Nothing has drifted." in capsys.readouterr().out
    assert 2 == dure("enforce", "target", "duru", "--gpu-type", "H200", "--yes")


def test_the_doctor_ends_with_one_if_limits_may_fail(dure, slurm, capsys):
    """And says which line of slurm.conf mends it."""
    asked = ("enforce", "doctor", "--cluster", "duru", "--gpu-type", "H200=h200")
    assert 0 == dure(*asked)
    slurm.config = CONFIG.replace("00:00:00", "7-00:00:00")
    assert 1 == dure(*asked)
    assert "PriorityDecayHalfLife=0" in capsys.readouterr().out
    assert 1 == dure(*asked, "--json")
    assert "PriorityDecayHalfLife" == json.loads(capsys.readouterr().out)[0]["setting"]


def test_a_tool_that_is_missing_or_fails_is_named():
    """The command and what it said."""
    with pytest.raises(SlurmRefused, match="dure-no-such-tool"):
        call_slurm(("dure-no-such-tool", "show"))
    with pytest.raises(SlurmRefused, match="No such file"):
        call_slurm(("ls", "/dure/no/such/place"))
    assert "a line" == call_slurm(("cat",), "a line")
