"""`dure export` against a center that answers what the test says."""

import json

import pytest

from scheduler.export import kueue
from tests.api_server import TOKEN, ApiServer
from tests.unit.test_cli_online import center, dure

__all__ = ["center", "dure"]

LISTED = {"apiVersion": "v1", "kind": "List", "items": [{"kind": "Queue"}]}


@pytest.mark.parametrize("scheduler", ["kueue", "kai", "volcano"])
def test_queues_go_to_a_file_or_to_a_pipe(center, dure, capsys, tmp_path, scheduler):
    """Standard output is what `kubectl apply -f -` reads; a file is told in one line."""
    center.answers["GET", f"/api/v1/rounds/rnd_1/exports/{scheduler}"] = (200, LISTED)
    assert 0 == dure("export", scheduler, "rnd_1")
    assert LISTED == json.loads(capsys.readouterr().out)
    file = tmp_path / "queues.json"
    assert 0 == dure("export", scheduler, "rnd_1", "-o", str(file), "--period", "600")
    assert LISTED == json.loads(file.read_text())
    told = capsys.readouterr()
    assert ("", f"{file}: 1 objects.\n") == (told.out, told.err)


@pytest.mark.parametrize(
    ("format_", "told"), [("openportal", "1 awards"), ("ondemand", "2 balances")]
)
def test_documents_of_portals(center, dure, capsys, tmp_path, format_, told):  # noqa: PLR0913, PLR0917 - fixtures
    """They are written as they come, and counted."""
    body = {"openportal": {"awd_1": {}}, "ondemand": {"balances": [{}, {}]}}[format_]
    center.answers["GET", f"/api/v1/rounds/rnd_1/exports/{format_}"] = (200, body)
    file = tmp_path / "told.json"
    assert 0 == dure("export", format_, "rnd_1", "-o", str(file))
    assert body == json.loads(file.read_text())
    assert f"{file}: {told}.\n" == capsys.readouterr().err


AWARD = "awd_01jd0000000000000000000001"
LIMIT = {
    "award": AWARD,
    "round": "rnd_1",
    "person": "kim",
    "group": "vision",
    "institute": None,
    "gpu_type": "H200",
    "state": "accepted",
    "granted_gpu_seconds": 1000 * 3600,
    "used_gpu_seconds": 0,
    "left_gpu_seconds": 1000 * 3600,
    "window": ["2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"],
    "gpus": 16,
    "gang_gpus": 8,
}


@pytest.fixture
def steer(center, dure, tmp_path):
    """Return `dure export steer` for a cluster that listens, and the cluster."""
    told = {"round": "rnd_1", "metered_at": "2090-01-01T00:00:00Z", "items": [LIMIT]}
    center.answers["GET", "/api/v1/rounds/rnd_1/exports/limits"] = (200, told)
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    server = ApiServer()
    with server.listening() as address:
        given = ("rnd_1", "--cluster", "k8s", "--api-server", address)

        def run(*more, token=token):
            return dure("export", "steer", *given, "--api-token-file", str(token), *more)

        yield run, server


def test_steering_tells_what_became_of_each_award(steer, capsys):
    """It asks first, rehearses on demand, sets, and says how many GPUs there are now."""
    run, server = steer
    assert 2 == run()
    assert (0, {}) == (run("--dry-run"), server.kept)
    capsys.readouterr()
    assert 0 == run("--yes", "--json")
    (told,) = json.loads(capsys.readouterr().out)
    assert (AWARD, "set", {"H200": {"even": 1, "most": 8}}) == (
        told["award"],
        told["outcome"],
        told["paces"],
    )
    assert {"gpu-h200": 8} == kueue.quotas(server.queue(AWARD.replace("_", "-")))


def test_steering_ends_badly_where_others_stand_in_the_way(steer, capsys, tmp_path):
    """Fields of another manager: exit code 5 and who it is; a wrong token: exit code 4."""
    run, server = steer
    assert 0 == run("--yes")
    held = {
        "apiVersion": kueue.VERSION,
        "kind": "ClusterQueue",
        "metadata": {"name": AWARD.replace("_", "-")},
        "spec": {"stopPolicy": "HoldAndDrain"},
    }
    server.apply(held, "kubectl", force=True)
    assert 5 == run("--yes")
    told = capsys.readouterr()
    assert "owned" in told.out
    assert 'conflict with "kubectl"' in told.err
    assert 0 == run("--yes", "--force")
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    assert 4 == run("--yes", token=wrong)
