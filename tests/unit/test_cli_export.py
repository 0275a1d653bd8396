"""`dure export` against a center that answers what the test says."""

import json

import pytest

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
