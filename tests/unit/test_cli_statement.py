"""`dure statement` against a center that answers what the test says."""

from tests.unit.test_cli_online import center, dure

__all__ = ["center", "dure"]

LINES = [{"award": "awd_1"}]
STATEMENT = {"payer": "institute:kaist", "gpu_seconds": 3600, "won": 300, "lines": LINES}
LISTED = {"month": "2027-01", "gpu_seconds": 3600, "won": 300, "items": [STATEMENT]}


def test_statements_are_listed_with_their_sums(center, dure, capsys):
    """One line a payer and one for all; a month without entries says so."""
    center.answers["GET", "/api/v1/statements/2027-01"] = (200, LISTED)
    assert 0 == dure("statement", "list", "2027-01")
    assert ["payer", "institute:kaist", "all"] == [
        line.split()[0] for line in capsys.readouterr().out.splitlines()
    ]
    center.answers["GET", "/api/v1/statements/2027-02"] = (200, {**LISTED, "items": []})
    assert 0 == dure("statement", "list", "2027-02")
    assert "Nothing was entered in 2027-02.\n" == capsys.readouterr().out


def test_a_statement_comes_in_the_form_of_the_file(center, dure, tmp_path):
    """The name of the file says which form is asked for; another name is refused."""
    path = "/api/v1/statements/2027-01/institute:kaist"
    center.answers["GET", path] = (200, STATEMENT)
    for ending, accept in (("pdf", "application/pdf"), ("csv", "text/csv")):
        file = tmp_path / f"kaist.{ending}"
        assert 0 == dure("statement", "get", "2027-01", "institute:kaist", "-o", str(file))
        assert accept == center.seen[-1][3]["Accept"]
        assert b"kaist" in file.read_bytes()
    assert 2 == dure("statement", "get", "2027-01", "institute:kaist", "-o", "kaist.xls")
