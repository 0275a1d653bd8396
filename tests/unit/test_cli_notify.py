"""`dure notify` on the center's own machine, against a real mail server."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.command_line import run
from api.commands.terminal import Terminal
from scheduler.domain.directory import Person
from scheduler.domain.notifications import Notification
from scheduler.storage.store import open_store
from tests.mail_server import mail_server

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOOK = "http://localhost:1/events"


@pytest.fixture
def dure(tmp_path: Path) -> Callable[..., int]:
    """The command line of a machine with a store in which Kim is to be told something."""
    url = f"sqlite:///{tmp_path / 'dure.db'}"
    told = Notification(
        id="ntf_1", person="kim", at=NOW, kind="award.offered", subject="awd_1", event=1
    )
    with open_store(url) as store:
        store.write(lambda tx: tx.people.add(Person(id="kim", name="Kim", email="kim@kaist.kr")))
        store.write(lambda tx: tx.notifications.add([told]))

    def command(*arguments: str, port: int = 0, **more: str) -> int:
        mail = {
            "DURE_MAIL_HOST": "127.0.0.1",
            "DURE_MAIL_PORT": str(port),
            "DURE_MAIL_SECURITY": "none",
            "DURE_MAIL_FROM": "dure@center.kr",
        }
        terminal = Terminal(
            environ={
                "DURE_STORE_URL": url,
                "DURE_SECRET_FILE": str(tmp_path / "secret"),
                **(mail if port else {}),
                **more,
            },
            now=lambda: NOW + timedelta(minutes=1),
            seconds=lambda: 0.0,
        )
        with pytest.raises(SystemExit) as ended:
            run(["notify", *arguments], terminal)
        return int(ended.value.code or 0)

    return command


def test_a_turn_tells_what_there_is(dure, capsys):
    """And the list is empty again; a server that is down leaves it in the list, with the cause."""
    with mail_server() as post:
        port = post.address[1]
    assert 0 == dure("run", "--once", port=port)
    assert "1 posted, 0 delivered, 1 put off, 0 given up.\n" == capsys.readouterr().out
    assert 0 == dure("list", "--json")
    (waiting,) = json.loads(capsys.readouterr().out)
    assert ("kim", "waiting", "1") == (waiting["to"], waiting["state"], waiting["attempts"])
    assert "refused" in waiting["problem"]
    assert 0 == dure("list", "--state", "delivered")
    assert "Nothing waits" in capsys.readouterr().out


def test_the_doctor_and_a_trial_reach_the_server(dure, capsys):
    """Or end with 1 and say what is wrong."""
    with mail_server() as post:
        port = post.address[1]
        assert 0 == dure("doctor", port=port, DURE_WEBHOOKS=HOOK)
        said = capsys.readouterr()
        assert f"127.0.0.1:{port} takes mail from dure@center.kr." in said.out
        assert f"dure notify key {HOOK}" in said.err
        assert 0 == dure("test", "lee@gist.kr", port=port)
        assert ["lee@gist.kr"] == post.readers
        assert 1 == dure("test", "nobody@gist.kr", port=port)
        assert 1 == dure("test", "nobody", port=port)
    capsys.readouterr()
    assert 1 == dure("doctor", port=port)
    assert "refused" in capsys.readouterr().err


def test_without_a_way_nothing_is_told(dure, capsys):
    """A center that names no server and no webhook is told which settings are missing."""
    for arguments in (("run", "--once"), ("doctor",), ("test", "lee@gist.kr")):
        assert 2 == dure(*arguments)
        assert "mail_host" in capsys.readouterr().err


def test_a_password_that_cannot_be_read_is_no_crash(dure, tmp_path, capsys):
    """It is named."""
    missing = str(tmp_path / "password")
    more = {"DURE_MAIL_USER": "dure", "DURE_MAIL_PASSWORD_FILE": missing}
    assert 1 == dure("doctor", port=25, **more)
    assert missing in capsys.readouterr().err


def test_the_key_of_a_webhook_is_printed_for_those_of_the_settings(dure, capsys):
    """The same each time, another for each address."""
    keys = []
    for address in (HOOK, HOOK, f"{HOOK}/other"):
        assert 0 == dure("key", address, DURE_WEBHOOKS=address)
        keys.append(capsys.readouterr().out)
    assert keys[0] == keys[1] != keys[2]
    assert keys[0].startswith("whsec_")
    assert 2 == dure("key", HOOK)
