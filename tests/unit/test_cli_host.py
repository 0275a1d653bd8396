"""Commands on the center's own machine: founding, tokens, the chain."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from api.command_line import run
from api.commands.terminal import Terminal

PEOPLE = ("--admin", "a1", "--admin", "a2", "--operator", "o1", "--approver", "p1")


@pytest.fixture
def dure(tmp_path):
    """The command line of a machine with an empty store."""
    terminal = Terminal(
        environ={
            "DURE_STORE_URL": f"sqlite:///{tmp_path / 'dure.db'}",
            "DURE_SECRET_FILE": str(tmp_path / "secret"),
        },
        now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        seconds=lambda: 0.0,
    )

    def command(*arguments):
        with pytest.raises(SystemExit) as ended:
            run(arguments, terminal)
        return int(ended.value.code or 0)

    return command


def test_founding_prints_a_token_for_everybody(dure, capsys):
    """Each first person has a token of their own; the store keeps none of them."""
    assert 0 == dure("admin", "init", *PEOPLE, "--json")

    tokens = json.loads(capsys.readouterr().out)

    assert {"a1", "a2", "o1", "p1"} == tokens.keys()
    assert 4 == len(set(tokens.values()))
    assert all(token.startswith("dure_pat_") for token in tokens.values())


def test_each_agent_is_of_one_cluster(dure, capsys, tmp_path):
    """The one that is named, or the one of the machine's own name."""
    assert 0 == dure(
        "admin", "init", *PEOPLE, "--agent", "slurm1=duru", "--agent", "nuri", "--json"
    )
    assert {"slurm1", "nuri"} < json.loads(capsys.readouterr().out).keys()
    query = "SELECT person_id, cluster FROM role_grants WHERE role = 'agent' ORDER BY person_id"
    with closing(sqlite3.connect(tmp_path / "dure.db")) as database:
        assert [("nuri", "nuri"), ("slurm1", "duru")] == database.execute(query).fetchall()


def test_no_token_lies_in_the_store(dure, capsys, tmp_path):
    """What is printed once is kept as a hash only."""
    dure("admin", "init", *PEOPLE, "--json")
    token = json.loads(capsys.readouterr().out)["o1"]

    kept = b"".join(path.read_bytes() for path in tmp_path.glob("dure.db*"))

    assert token.encode() not in kept


def test_a_center_is_founded_once(dure, capsys):
    """A second founding is refused with 5 and changes nothing."""
    dure("admin", "init", *PEOPLE)

    assert 5 == dure("admin", "init", *PEOPLE)


def test_one_administrator_is_not_enough(dure, capsys):
    """Roles are granted by two people, so two are needed from the start."""
    assert 5 == dure("admin", "init", "--admin", "a1", "--operator", "o1", "--approver", "p1")


def test_tokens_are_issued_to_known_people_only(dure, capsys):
    """In bulk it is all or none."""
    dure("admin", "init", *PEOPLE)

    assert 0 == dure("admin", "token", "o1", "p1")
    assert 5 == dure("admin", "token", "o1", "nobody")
    assert "nobody" in capsys.readouterr().err


def test_a_whole_chain_holds_and_a_broken_one_is_found(dure, capsys, tmp_path):
    """Whoever changes the log behind the center's back is found: exit code 7."""
    dure("admin", "init", *PEOPLE)
    assert 0 == dure("admin", "check-chain")

    with sqlite3.connect(tmp_path / "dure.db") as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE events SET actor = 'somebody' WHERE seq = 2")
    database.close()

    assert 7 == dure("admin", "check-chain")
    assert "event 2" in capsys.readouterr().err


def test_a_misspelt_setting_is_refused(tmp_path, capsys):
    """An unknown DURE_ variable ends with 2 and is named."""
    terminal = Terminal(
        environ={"DURE_STOR_URL": "x"},
        now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        seconds=lambda: 0.0,
    )

    with pytest.raises(SystemExit) as ended:
        run(["admin", "migrate"], terminal)

    assert 2 == ended.value.code
    assert "DURE_STOR_URL" in capsys.readouterr().err
