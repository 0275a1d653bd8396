"""`dure award letter` and `dure request letter` against a center that answers what we say."""

import json

import pytest

from tests.unit.test_cli_online import center, dure

__all__ = ["center", "dure"]


@pytest.mark.parametrize(("noun", "id_"), [("award", "awd_1"), ("request", "req_1")])
def test_a_letter_is_shown_or_written(center, dure, capsys, tmp_path, noun, id_):  # noqa: PLR0913, PLR0917 - fixtures
    """As text to the terminal; to a file in the form that its name says."""
    center.answers["GET", f"/api/v1/{noun}s/{id_}/letter"] = (200, "# Award")
    assert 0 == dure(noun, "letter", id_)
    assert "# Award" == json.loads(capsys.readouterr().out)
    assert "text/plain" == center.seen[-1][3]["Accept"]
    file = tmp_path / "letter.pdf"
    assert 0 == dure(noun, "letter", id_, "--lang", "ko", "-o", str(file))
    assert "application/pdf" == center.seen[-1][3]["Accept"]
    assert b'"# Award"' == file.read_bytes()
    assert 2 == dure(noun, "letter", id_, "-o", "letter.doc")
