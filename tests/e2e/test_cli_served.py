"""Commands against a server that listens on a port, with a worker that solves beside it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from api.command_line import run
from api.commands.profiles import Profile, keep_profile
from api.commands.terminal import Terminal
from scheduler.domain.jobs import SOLVE
from tests.e2e.center import Center
from tests.e2e.solving import fail_one, work_one
from tests.e2e.test_http_books import awards
from tests.e2e.test_http_changes import held, story
from tests.e2e.test_http_rounds import impossible, published
from tests.prometheus import listening

__all__ = ["awards"]


@pytest.fixture
def served(center: Center) -> Iterator[str]:
    """Address of the center, on a loopback port."""
    with listening(center.app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def homes(center: Center, served: str, tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Environment of anybody, whose profile names the server."""

    def home(who: str) -> dict[str, str]:
        environ = {"XDG_CONFIG_HOME": str(tmp_path / who), "LANG": "C.UTF-8"}
        kept = Profile(name="default", server=served, token=center.tokens[who])
        keep_profile(_terminal(center, environ), kept)
        return environ

    return home


@pytest.fixture
def dure(center: Center, homes) -> Callable[..., int]:
    """The command line of anybody, over the network."""

    def command(who: str, *arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            run(arguments, _terminal(center, homes(who)))
        return int(ended.value.code or 0)

    return command


def _terminal(center: Center, environ: dict[str, str]) -> Terminal:
    return Terminal(environ=environ, now=center.clock, seconds=lambda: 0.0)


def watched(center: Center, environ: dict[str, str], *arguments: str) -> tuple[str, str, str]:
    """Run a command that waits for a solve, and do the solve meanwhile.

    Returns:
        Its standard output and error, and the id of the scenario that was made.
    """
    made, code, out, err = beside(
        center, environ, arguments, lambda: str(work_one(center, kinds=(SOLVE,))["scenario"])
    )
    assert 0 == code, err
    return out, err, made


def beside(
    center: Center, environ: dict[str, str], arguments: Sequence[str], work: Callable[[], str]
) -> tuple[str, int, str, str]:
    """Run a command in a process of its own and, once a solve waits, work it off.

    Returns:
        What the work gave; the command's exit code, standard output and error.
    """
    command = subprocess.Popen(
        [sys.executable, "-m", "api.cli", *arguments],
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while command.poll() is None and not _solve_waits(center):
        time.sleep(0.05)
    done = work()
    out, err = command.communicate(timeout=120)
    return done, command.returncode, out, err


def _solve_waits(center: Center) -> bool:
    with center.store.read() as tx:
        return tx.jobs.any(center.clock.now, (SOLVE,))


def test_a_round_is_reallocated_by_hand(center: Center, dure, homes, capsys):
    """Asked, watched to its end, selected, approved, published: the next in line is offered."""
    half = {"gpu_hours": 160 * 168 * 2, "minimum_gpu_hours": 160 * 300, "max_gpus": 80}
    small = {"gpu_hours": 160 * 168, "minimum_gpu_hours": 160 * 100, "max_gpus": 160}
    round_, requests = published(center, half, half, small)
    (declined,) = center.get("awards", "kim").json()["items"]
    (stays,) = center.get("awards", "park").json()["items"]
    assert 0 == dure("kim", "award", "return", declined["id"], "--reason", "No.", "--yes")
    by_hand = ["round", "reallocate", round_, "--reason", "An award came back.", "--yes"]
    assert 4 == dure("kim", *by_hand)
    out, err, scenario = watched(center, homes("op"), *by_hand)
    assert scenario in out
    next_ = err.rsplit("dure round scenarios ", 1)[1].split()[0]
    assert f"Frozen as {next_}, from slot 0 on." in err
    capsys.readouterr()
    assert 0 == dure("op", "round", "scenarios", next_)
    assert scenario in capsys.readouterr().out
    assert 0 == dure("op", "round", "select", next_, scenario, "--reason", "Best.", "--yes")
    digest = capsys.readouterr().out.split(maxsplit=1)[0]
    sign = ["round", "approve", next_, "--digest", digest, "--reason", "Checked.", "--yes"]
    assert 0 == dure("appr", *sign)
    assert 0 == dure("op", "round", "publish", next_, "--yes")
    (drawn,) = center.get("awards", "lee").json()["items"]
    assert (requests[2], "offered") == (drawn["request"], drawn["state"])
    (kept,) = center.get("awards", "park").json()["items"]
    assert (stays["id"], stays["cells"]) == (kept["id"], kept["cells"])
    assert center.get("ledger/trial-balance", "aud").json()["holds"]


def test_a_round_without_a_plan_ends_with_its_reasons(center: Center, homes):
    """The command that watches says what cannot hold together, and what would help."""
    by_hand = ["round", "solve", impossible(center), "--policy", "merit"]
    _, code, _, err = beside(center, homes("op"), by_hand, lambda: fail_one(center))
    assert 5 == code, err
    assert "There is no plan. The solver says infeasible. Request r1 is guaranteed" in err
    assert "way out: release the guarantee" in err


def test_who_leaves_hands_over(center: Center, awards: dict[str, str], dure, capsys):
    """Lee's hours are kim's from then on, with their story; lee is nobody here any more."""
    hours, leave = held(center, awards["lee"]), ["people", "move", "lee", "--rule", "hand_over"]
    why = ["--heir", "kim", "--reason", "Went to industry."]
    assert 4 == dure("kim", *leave, *why, "--yes")
    capsys.readouterr()
    assert 0 == dure("adm", *leave, *why, "--yes")
    assert 0 == dure("kim", "award", "list")
    told = capsys.readouterr().out
    assert (True, True) == (awards["lee"] in told, awards["kim"] in told)
    handed = center.get(f"awards/{awards['lee']}", "kim").json()
    assert ("kim", "accepted", hours) == (handed["fellow"], handed["state"], handed["held"])
    assert ["granted"] == story(center, awards["lee"])
    assert 4 == dure("lee", "award", "list")
    assert "The token is inactive." in capsys.readouterr().err
    assert 0 == dure("kim", "award", "return", awards["lee"], "--reason", "Enough.", "--yes")
    capsys.readouterr()
    assert 0 == dure("adm", "people", "moves", "lee")
    told = capsys.readouterr().out
    assert ("hand_over" in told, "kim" in told, "g1" in told) == (True, True, True)
    assert center.get("ledger/trial-balance", "aud").json()["holds"]
