"""`dure usage`, `dure pending` and the writing commands of `dure ledger` and `dure award`."""

import json

import pytest

from api.commands.usage import looks_like
from tests.unit.test_cli_online import center, dure

__all__ = ["center", "dure"]

BATCH = {"slices": 3, "grown": 2, "gpu_seconds": 7200, "outside": 0, "disputed": 1}
PROPOSAL = {
    "id": "prp_1",
    "kind": "correction",
    "subject": "group:g:H200",
    "body": {"amount": 5},
    "state": "pending",
    "proposed_by": "op",
    "party": None,
    "not_before": "2027-01-05T09:00:00.000000Z",
    "reason": "Typing error.",
}


@pytest.mark.parametrize(
    ("text", "shape"),
    [("\n{}", "json"), ("cluster,job,", "csv"), ("1|kim|", "sacct"), ("", "sacct")],
)
def test_a_file_says_what_it_is(text: str, shape: str):
    """JSON begins with a brace, a table with its columns, all else is what sacct -P prints."""
    assert shape == looks_like(text)


def test_import_sends_the_file_as_what_it_is(center, dure, capsys, tmp_path):
    """The content type follows the file or the option; what is left is told."""
    center.answers["POST", "/api/v1/usage-batches"] = (201, BATCH)
    file = tmp_path / "sacct.txt"
    file.write_text("1|kim|")
    assert 0 == dure("usage", "import", "--cluster", "duru", str(file), "--yes")
    assert "2 of 3 slices are new or longer: 7,200 GPU-seconds" in capsys.readouterr().out
    assert "text/plain" == center.seen[-1][3]["Content-Type"]
    assert 0 == dure("usage", "import", "--cluster", "duru", str(file), "--yes", "--format", "csv")
    assert "text/csv" == center.seen[-1][3]["Content-Type"]
    assert 2 == dure("usage", "import", "--cluster", "duru", str(file), "--format", "xml")


def test_usage_is_listed(center, dure, capsys):
    """One line an entry."""
    entry = {
        "cluster": "duru",
        "job": "17",
        "begins_at": "2027-01-05T09:00:00.000000Z",
        "person": "kim",
        "gpu_type": "H200",
        "award": None,
        "kind": "import",
        "gpu_seconds": 7200,
    }
    center.answers["GET", "/api/v1/usage"] = (200, {"items": [entry], "next_cursor": None})
    assert 0 == dure("usage", "list", "--person", "kim")
    assert "7,200" in capsys.readouterr().out
    center.answers["GET", "/api/v1/usage"] = (200, {"items": [], "next_cursor": None})
    assert 0 == dure("usage", "list")
    assert "No usage yet." in capsys.readouterr().out


@pytest.mark.parametrize(
    "case",
    [
        (
            "usage-corrections",
            "usage correct duru 17 --from 2027-01-05T09:00:00 --gpu-seconds 0 --reason No.",
            {"cluster": "duru", "job": "17", "begins_at": "2027-01-05T09:00:00Z", "gpu_seconds": 0},
        ),
        (
            "ledger/corrections",
            "ledger correct a:b:c d:e:c 5 --reason No.",
            {"debit": "a:b:c", "credit": "d:e:c", "gpu_seconds": 5},
        ),
        (
            "ledger/reserves",
            "ledger reserve call:c:H200 5 --reason No.",
            {"account": "call:c:H200", "gpu_seconds": 5},
        ),
        (
            "awards/awd_1/adjustments",
            "award adjust awd_1 --gpu-type H200 --gpu-seconds -5 --reason No.",
            {"gpu_type": "H200", "gpu_seconds": -5},
        ),
    ],
)
def test_a_proposal_says_who_comes_next(center, dure, capsys, case):
    """What is proposed is sent whole, and the next command is shown."""
    path, arguments, sent = case
    center.answers["POST", f"/api/v1/{path}"] = (202, PROPOSAL)
    center.answers["GET", "/api/v1/awards/awd_1"] = (200, {})
    assert 0 == dure(*arguments.split(), "--yes")
    assert "dure pending approve prp_1" in capsys.readouterr().out
    assert {**sent, "reason": "No."} == json.loads(center.seen[-1][2])


def test_what_waits_is_listed_and_decided(center, dure, capsys):
    """The second person sees what it is, and says yes or no with a reason."""
    address = "/api/v1/pending-approvals"
    center.answers["GET", address] = (200, {"items": [PROPOSAL], "next_cursor": None})
    center.answers["GET", f"{address}/prp_1"] = (200, PROPOSAL)
    center.answers["POST", f"{address}/prp_1/decisions"] = (201, {**PROPOSAL, "state": "approved"})
    assert 0 == dure("pending", "list")
    assert "Typing error." in capsys.readouterr().out
    assert 0 == dure("pending", "approve", "prp_1", "--reason", "Seen.", "--yes")
    assert "prp_1 is approved." in capsys.readouterr().out
    assert {"approve": True, "reason": "Seen."} == json.loads(center.seen[-1][2])
    assert 0 == dure("pending", "reject", "prp_1", "--reason", "No.", "--yes")
    assert not json.loads(center.seen[-1][2])["approve"]
    center.answers["GET", address] = (200, {"items": [], "next_cursor": None})
    assert 0 == dure("pending", "list", "--all")
    assert "Nothing waits for you." in capsys.readouterr().out


def test_hours_are_handed_on(center, dure, capsys):
    """From one award of the group to another, once the fellow whose they are agrees."""
    center.answers["GET", "/api/v1/awards/awd_1"] = (200, {})
    center.answers["POST", "/api/v1/awards/awd_1/transfers"] = (
        202,
        {"id": "prp_1", "party": "kim"},
    )
    line = "award transfer awd_1 awd_2 --gpu-type H200 --gpu-seconds 5 --reason Joint. --yes"
    assert 0 == dure(*line.split())
    assert "prp_1 waits for kim" in capsys.readouterr().out


def test_gauges_are_sent_as_they_were_printed(center, dure, capsys, tmp_path):
    """What scontrol printed goes to the center; the answer is told."""
    body = {"users": 3, "strangers": 1, "used_gpu_minutes": 4920, "running_gpus": 8}
    center.answers["POST", "/api/v1/usage-gauges"] = (201, body)
    file = tmp_path / "assoc.txt"
    file.write_text("ClusterName=x")
    assert 0 == dure("usage", "gauges", "--cluster", "duru", str(file), "--yes")
    assert "3 users (1 unknown here): 4,920 GPU-minutes used, 8 GPUs" in capsys.readouterr().out
    assert "ClusterName=x" == center.seen[-1][2]


def test_a_reconciliation_is_told_in_full(center, dure, capsys, tmp_path):
    """Differences and runaways are tables; without any it says so; a CSV is refused."""
    difference = {
        "source": "accounting",
        "state": "awaited",
        "person": "kim",
        "award": None,
        "told": 7200,
        "entered": 3600,
        "gpu_seconds": 3600,
    }
    runaway = {
        "job": "17",
        "person": "lee",
        "gpu_type": "H200",
        "gpus": 8,
        "starts_at": "2027-01-05T09:00:00.000000Z",
        "elapsed_seconds": 7200,
        "cause": "no_end",
    }
    found = {"jobs": 2, "gauged_at": None, "differences": [difference], "runaways": [runaway]}
    center.answers["POST", "/api/v1/reconciliations"] = (201, found)
    file = tmp_path / "sacct.txt"
    file.write_text("1|kim|")
    asks = ("usage", "reconcile", "--cluster", "duru", "--since", "2027-01-04T00:00:00+09:00")
    assert 0 == dure(*asks, str(file))
    told = capsys.readouterr().out
    assert "never asked: dure usage gauges" in told
    assert "awaited" in told
    assert "no_end" in told
    nothing = {**found, "gauged_at": "2027-01-05T09:00:00.000000Z", "differences": []}
    nothing["runaways"] = []
    center.answers["POST", "/api/v1/reconciliations"] = (201, nothing)
    assert 0 == dure(*asks, str(file))
    told = capsys.readouterr().out
    assert "No difference.\n\nNo runaway job." in told
    assert 0 == dure(*asks, str(file), "--json")
    assert [] == json.loads(capsys.readouterr().out)["runaways"]
    file.write_text("cluster,job,")
    assert 2 == dure(*asks, str(file))
    for items, expected in (([found], "no_end"), ([found, nothing], "No runaway"), ([], "Never")):
        page = {"items": [{**each, "at": "2027-01-05T09:00:00.0Z"} for each in items]}
        center.answers["GET", "/api/v1/reconciliations"] = (200, {**page, "next_cursor": None})
        assert 0 == dure("usage", "runaways", "--cluster", "duru")
        assert expected in capsys.readouterr().out
