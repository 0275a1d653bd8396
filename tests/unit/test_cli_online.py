"""Online commands against a center that answers what the test says."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from api.command_line import run
from api.commands.profiles import Profile, keep_profile
from api.commands.terminal import Terminal
from solver.draw import seal

F001 = {"id": "f001", "group": "core0", "institute": None}
CALL = {
    "id": "call_1",
    "title": "InnoCORE",
    "state": "open",
    "opens_at": "2026-11-01T00:00:00Z",
    "closes_at": "2026-12-01T00:00:00Z",
    "policy": "entitlement",
    "policy_version": 1,
    "pools": ["h200"],
    "calendar": {"starts_on": None, "slot_hours": 168, "slots": 26},
}


class Center:
    """A server whose answers are a table, and which remembers what it was sent."""

    def __init__(self):
        self.answers = {}
        self.seen = []
        center = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                path = self.path.partition("?")[0]
                center.seen.append((self.command, path, body, dict(self.headers)))
                status, sent = center.answers.get(
                    (self.command, path), (404, {"code": "not-found", "detail": "Not there."})
                )
                raw = json.dumps(sent).encode()
                self.send_response(status)
                self.send_header("ETag", '"v1-00"')
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 - http.server calls them so

            def log_message(self, *args):
                """Keep the test's output clean."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        """Stop listening."""
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def center():
    """A running fake center."""
    running = Center()
    yield running
    running.close()


@pytest.fixture
def dure(center, tmp_path, monkeypatch):
    """The command line of a person who is signed in at the fake center."""
    monkeypatch.setattr("api.client.PAUSE_SECONDS", 0.0)
    terminal = Terminal(
        environ={"XDG_CONFIG_HOME": str(tmp_path), "LANG": "C.UTF-8"},
        now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        seconds=lambda: 0.0,
    )
    keep_profile(terminal, Profile(name="default", server=center.url, token="t0ken"))

    def command(*arguments):
        with pytest.raises(SystemExit) as ended:
            run(arguments, terminal)
        return int(ended.value.code or 0)

    return command


def test_shows_in_words_and_as_json(center, dure, capsys):
    """The same answer comes as a table for people and whole for programs."""
    center.answers["GET", "/api/v1/calls/call_1"] = (200, CALL)

    assert 0 == dure("call", "show", "call_1")
    assert "InnoCORE" in capsys.readouterr().out
    assert 0 == dure("call", "show", "call_1", "--json")
    assert CALL == json.loads(capsys.readouterr().out)


def test_speaks_as_the_person_who_signed_in(center, dure, capsys):
    """The kept token goes with every request."""
    center.answers["GET", "/api/v1/me"] = (200, {"person": F001, "roles": ["fellow"]})

    assert 0 == dure("whoami")
    assert "f001 (fellow) of core0" in capsys.readouterr().out
    assert "Bearer t0ken" == center.seen[0][3]["Authorization"]


@pytest.mark.parametrize(
    ("answered", "exit_code"),
    [
        ((401, "unauthenticated"), 4),
        ((403, "forbidden"), 4),
        ((404, "not-found"), 4),
        ((409, "second-person-required"), 5),
        ((412, "version-mismatch"), 5),
        ((409, "call-closed"), 6),
        ((422, "invalid-value"), 2),
        ((503, "store-unavailable"), 75),
        ((500, "internal-error"), 1),
    ],
)
def test_exit_code_says_why(center, dure, capsys, answered, exit_code):
    """Each kind of refusal has its exit code, and its text goes to standard error."""
    center.answers["GET", "/api/v1/calls/call_1"] = (200, CALL)
    center.answers["POST", "/api/v1/calls/call_1/openings"] = (
        answered[0],
        {"code": answered[1], "detail": "Because."},
    )

    assert exit_code == dure("call", "open", "call_1", "--yes")
    captured = capsys.readouterr()
    assert "Because." in captured.err
    assert "" == captured.out


def test_nobody_there_means_try_later(dure, capsys):
    """A server that does not answer ends with 75."""
    assert 75 == dure("whoami", "--server", "http://127.0.0.1:9")


def test_what_is_allowed_now_is_told(center, dure, capsys):
    """A refused transition names the steps that the state allows."""
    center.answers["GET", "/api/v1/rounds/rnd_1"] = (200, {"scenario_digest": "3fa1"})
    center.answers["POST", "/api/v1/rounds/rnd_1/publications"] = (
        409,
        {"code": "invalid-transition", "detail": "No.", "details": {"allowed": ["freeze"]}},
    )

    assert 5 == dure("round", "publish", "rnd_1", "--yes")
    assert "Allowed now: freeze." in capsys.readouterr().err


def test_dry_run_sends_nothing(center, dure, capsys):
    """A rehearsal prints what would be sent; only reads reach the server."""
    center.answers["GET", "/api/v1/calls/call_1"] = (200, CALL)

    assert 0 == dure("call", "extend", "call_1", "--until", "2027-01-01T00:00:00Z",
                     "--reason", "Portal down.", "--dry-run")  # fmt: skip
    told = json.loads(capsys.readouterr().out)
    assert "/api/v1/calls/call_1/extensions" == told["path"]
    assert ["GET"] == [method for method, *_ in center.seen]


def test_a_change_for_others_needs_a_yes(center, dure, capsys):
    """Without a person to ask and without --yes nothing happens."""
    assert 2 == dure("call", "open", "call_1")
    assert "--yes" in capsys.readouterr().err
    assert [] == center.seen


def test_findings_name_field_and_message(center, dure, capsys):
    """`request check` ends with 2 and says what to correct."""
    center.answers["POST", "/api/v1/requests/req_1/checks"] = (
        200,
        {
            "ready": False,
            "findings": [
                {"severity": "error", "pointer": "/window", "message": "Outside the call."}
            ],
        },
    )

    assert 2 == dure("request", "check", "req_1")
    assert "error: /window: Outside the call." in capsys.readouterr().out


def test_login_keeps_the_token_it_has_tried(center, dure, tmp_path, capsys):
    """A token is kept after the server knew it."""
    center.answers["GET", "/api/v1/me"] = (200, {"person": {**F001, "id": "f002"}, "roles": []})
    token = tmp_path / "token"
    token.write_text("other\n", encoding="utf-8")

    assert 0 == dure("login", center.url, "--token-file", str(token), "--profile", "second")
    assert "f002" in capsys.readouterr().err
    assert 0 == dure("whoami", "--profile", "second")
    assert "Bearer other" == center.seen[-1][3]["Authorization"]
    assert 0 == dure("logout", "--profile", "second")


def test_refused_token_is_not_kept(center, dure, tmp_path):
    """A token that the server refuses leaves no profile."""
    token = tmp_path / "token"
    token.write_text("wrong", encoding="utf-8")
    center.answers["GET", "/api/v1/me"] = (401, {"code": "unauthenticated", "detail": "Who?"})

    assert 4 == dure("login", center.url, "--token-file", str(token), "--profile", "third")
    assert not (tmp_path / "dure" / "third.json").exists()


def test_unknown_command_suggests_the_nearest(dure, capsys):
    """A slip of the finger is a usage error with a suggestion."""
    assert 2 == dure("slove")
    assert "'solve'" in capsys.readouterr().err


def test_unknown_option_suggests_the_nearest(dure, capsys):
    """So is a misspelt option."""
    assert 2 == dure("whoami", "--jsn")
    assert "--json" in capsys.readouterr().err


def test_a_seal_is_made_offline(dure, capsys):
    """Seed and salt come with the digest that the call states."""
    assert 0 == dure("call", "seal", "--seed", "7")
    made = json.loads(capsys.readouterr().out)
    assert made["seed_seal"] == seal(7, made["salt"])


def test_a_seed_is_revealed_with_its_salt(center, dure, capsys):
    """The command sends both and says with which seed it is drawn."""
    center.answers["GET", "/api/v1/rounds/rnd_1"] = 200, {"id": "rnd_1"}
    center.answers["POST", "/api/v1/rounds/rnd_1/seed-revelations"] = 201, {"seed": 7}
    assert 0 == dure("round", "reveal", "rnd_1", "--seed", "7", "--salt", "s", "--yes")
    assert "seed 7" in capsys.readouterr().out


def test_a_round_is_reallocated_in_one_command(center, dure, capsys):
    """What is held is frozen as a new round, which is solved at once, and followed."""
    center.answers["GET", "/api/v1/rounds/rnd_1"] = (200, {})
    made = {"id": "rnd_2", "since": 3}
    center.answers["POST", "/api/v1/rounds/rnd_1/reallocations"] = (201, made)
    center.answers["GET", "/api/v1/rounds/rnd_2"] = (200, made)
    center.answers["POST", "/api/v1/rounds/rnd_2/solves"] = (202, {"id": "slv_1"})
    center.answers["GET", "/api/v1/solves/slv_1/events"] = (200, {})
    done = {"id": "slv_1", "state": "done", "scenario": "scn_1"}
    center.answers["GET", "/api/v1/solves/slv_1"] = (200, done)
    assert 0 == dure("round", "reallocate", "rnd_1", "--reason", "Hours came back.", "--yes")
    told = capsys.readouterr()
    assert "slv_1: done  scn_1" in told.out
    assert "from slot 3 on" in told.err
    sent = [json.loads(body) for method, _, body, _ in center.seen if method == "POST"]
    assert [{"reason": "Hours came back."}, {"preset": "reallocation"}] == sent
