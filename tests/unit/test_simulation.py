"""`dure sim`: the same seed says the same, every invariant is looked at, a broken one is found."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from api import command_line
from api.commands import sim as command
from api.commands.sim import read_habits, read_rule, simulated, solve
from api.commands.terminal import CommandRefused, Terminal
from scheduler.domain.awards import Award, Cell
from scheduler.policy import find_policy
from scheduler.simulation.agenda import Agenda
from scheduler.simulation.feed import Feed, slot_runs
from scheduler.simulation.figures import Figures
from scheduler.simulation.habits import Habit, Habits
from scheduler.simulation.invariants import BrokenInvariant, Invariants
from scheduler.simulation.season import Season
from scheduler.simulation.world import Course, Options, World
from scheduler.simulation.year import run, seasons_of
from scheduler.storage.store import open_store

MONDAY = datetime(2027, 1, 4, tzinfo=UTC)


def a_model(slots: int = 6, slot_hours: int = 728) -> dict:
    """A half year in six slots: eight fellows in two groups ask three times the supply."""
    fellows = [{"id": f"f{at}", "group": f"g{at % 2}", "institute": "inst"} for at in range(8)]
    requests = [
        {
            "id": f"q{at}",
            "fellow": f"f{at % 8}",
            "gpu_hours": 9000 + 700 * at,
            "minimum_gpu_hours": 400,
            "gang_gpus": 8,
            "max_gpus": 16,
            "window": [0, slots],
            "speeds": {"h200": 1},
            "score": 60 + at,
        }
        for at in range(12)
    ]
    pool = {
        "id": "h200",
        "gpu_type": "H200",
        "nodes": 2,
        "gpus_per_node": 8,
        "su_per_gpu_hour": 1,
        "supply_gpu_hours": [16 * slot_hours] * slots,
    }
    return {
        "schema": "dure-round/1",
        "id": "model",
        "calendar": {"starts_on": None, "slot_hours": slot_hours, "slots": slots},
        "groups": [{"id": "g0", "weight": 1}, {"id": "g1", "weight": 2}],
        "fellows": fellows,
        "pools": [pool],
        "requests": requests,
    }


def options(**changes) -> Options:
    """Eight fellows and a year; everything else as by default."""
    return Options(**{"model": a_model(), "fellows": 8, "years": 1, "seed": 3, **changes})


def a_course(reclaim: str = "nersc") -> Course:
    """A quick policy under a reclaim rule."""
    content = find_policy("rank_and_fund").document
    return Course(policy="rank_and_fund", content=content, reclaim=read_rule(reclaim))


def a_world(course: Course, **changes) -> World:
    """A world whose checker is the real one."""
    return World(
        options=options(**changes),
        course=course,
        solve=solve,
        verify=command.broken_rules,
        verifier="print('checked')\n",
    )


def told(*_: object) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def twice() -> list[dict]:
    """The same course, twice."""
    return [simulated(options(), a_course(), told, "again").document() for _ in range(2)]


def test_the_same_seed_says_the_same(twice: list[dict]):
    """Byte for byte, to the hash of the last event."""
    first, second = (json.dumps(each).encode() for each in twice)
    assert first == second


def test_a_year_adds_up(twice: list[dict]):
    """Two half years: used at most what could run, and at most what was given."""
    figures = twice[0]
    assert 0 < figures["used"] <= figures["supplied"]
    assert figures["used"] <= figures["granted"] + figures["drawn"]
    assert 0 < figures["reclaimed"] < figures["granted"]
    assert 0 < figures["jain_used"] <= 1
    assert figures["steps"] > 2 * 2 * 6


def test_another_seed_is_another_year(twice: list[dict]):
    """Chance decides who asks, who leaves and what fails."""
    other = simulated(options(seed=4), a_course(), told, "again")
    assert twice[0]["log"] != other.log


def test_without_a_rule_nothing_is_taken(twice: list[dict]):
    """The same chance with no reclaim: the same requests, the same grants."""
    plain = simulated(options(), a_course("none"), told, "again")
    assert ("none", 0, twice[0]["granted"]) == (plain.reclaim, plain.reclaimed, plain.granted)


BREAKS = {
    "the ledger adds up": "UPDATE ledger_accounts SET debits_posted = debits_posted + 1 "
    "WHERE kind = 'consumed'",
    "usage equals the ledger": "INSERT INTO usage_entries SELECT 'use_planted', cluster, job, "
    "begins_at, 99, kind, gpu_type, 7, person, award_id, reason, event FROM usage_entries LIMIT 1",
    "no award without approval": "UPDATE awards SET scenario_id = 'scn_other'",
    "accepted awards are cut by a named rule only": "UPDATE awards SET cells = '[]'",
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_planted_break_is_found(name: str, monkeypatch, tmp_path: Path):
    """Whatever is changed behind the operations is named at the next step."""
    ends = Season._end_slot
    done = []

    def planted(self: Season, tx, now: datetime) -> None:
        ends(self, tx, now)
        done.append(now)
        if len(done) == 3:
            for trigger in _triggers(tx):
                tx._connection.execute(text(f"DROP TRIGGER {trigger}"))
            tx._connection.execute(text(BREAKS[name]))

    monkeypatch.setattr(Season, "_end_slot", planted)
    with (
        open_store(f"sqlite:///{tmp_path / 'sim.db'}") as store,
        pytest.raises(BrokenInvariant, match=name) as broken,
    ):
        run(store, a_world(a_course("none")), told)
    assert name == broken.value.name
    assert done[-1].isoformat() in broken.value.witness


def _triggers(tx) -> list[str]:
    found = tx._connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    return list(found.scalars())


def test_a_round_is_asked_as_it_stands(tmp_path: Path):
    """Without a number of fellows every season asks what the file asks; nothing is drawn."""
    world = a_world(a_course("none"), fellows=None)
    expected = sorted((each["id"], each["gpu_hours"]) for each in a_model()["requests"])
    with open_store(f"sqlite:///{tmp_path / 'sim.db'}") as store:
        run(store, world, told)
        with store.read() as tx:
            calls = tx.calls.list().items
            asked = [
                sorted(
                    (each.draft.title, each.draft.gpu_hours // 1000)
                    for each in tx.requests.labelled(call.id).values()
                )
                for call in calls
            ]
    assert [expected] * seasons_of(world) == asked


def test_cells_above_the_supply_are_found(tmp_path: Path):
    """A slot that holds more than was frozen is named."""
    with open_store(f"sqlite:///{tmp_path / 'sim.db'}") as store:
        run(store, a_world(a_course("none")), told)
        with store.read() as tx:
            invariants = Invariants()
            invariants.check(tx)
            for supply in invariants._supply.values():
                supply.update(dict.fromkeys(supply, 0))
            with pytest.raises(BrokenInvariant, match="no pool-slot above its supply"):
                invariants.check(tx)


def test_a_break_names_the_command_that_shows_it_again(monkeypatch):
    """The refusal ends with the whole command, and another exit code."""

    def broken(*_: object) -> None:
        raise BrokenInvariant("the sky is up", "it fell")

    monkeypatch.setattr(command, "run", broken)
    with pytest.raises(CommandRefused, match="the sky is up: it fell") as refusal:
        simulated(options(), a_course(), told, "dure sim --seed 3")
    assert (7, "Again: dure sim --seed 3") == (refusal.value.code, refusal.value.hint)
    given = {"round_": "x.json", "fellows": 8, "seed": 3, "work": None, "policy": "a,b"}
    again = command.replay(given, a_course("alcc"))
    assert (
        "dure sim --policy rank_and_fund --reclaim alcc --round x.json --fellows 8 --seed 3"
        == again
    )


def test_a_reclaim_gives_no_more_than_it_takes(twice: list[dict]):
    """What the reserve list draws came back before, or was never given."""
    figures = twice[0]
    free = figures["supplied"] - figures["granted"] + figures["reclaimed"] + figures["returned"]
    assert figures["drawn"] <= max(free, 0)


def test_habits_are_percents():
    """They add up to 100, and fellows keep theirs."""
    assert Habits(late=100, steady=0, early=0, idle=0) == read_habits("late=100")
    for bad in ("late=99", "mood=100", "late", "late=x"):
        with pytest.raises(CommandRefused):
            read_habits(bad)
    with pytest.raises(ValueError, match="add up to 100"):
        Habits(late=1)
    drawn = [Habits().of(5, f"f{at}")[0] for at in range(400)]
    assert drawn == [Habits().of(5, f"f{at}")[0] for at in range(400)]
    assert 200 < drawn.count(Habit.LATE) < 280
    _, idle = Habits(late=0, steady=0, early=0, idle=100).of(5, "f0")
    assert 0 == idle.share(1, 1)


def test_the_feed_loses_nothing():
    """Every report arrives, some twice, none before its week."""
    award = Award(
        id="awd_1",
        round="rnd",
        request="req",
        scenario="scn",
        fellow="f0",
        requested=1,
        recommended=1,
        awarded=1,
        service_units=1,
        cells=(Cell(pool="p", slot=0, gpu_hours=1),),
        offered_at=MONDAY,
    )
    feed, sent, seen = Feed(seed=1), set(), []
    for week in range(60):
        begins = MONDAY + week * timedelta(days=7)
        slot = (begins, begins + timedelta(days=7))
        runs = slot_runs(award, "H200", 3 * 7 * 86_400 + 5, slot=slot)
        sent |= {run.job for run in runs}
        feed.report(runs, week)
        arrived = feed.arrived(week)
        assert all(run.starts_at <= begins for run in arrived)
        seen += [run.job for run in arrived]
    seen += [run.job for run in feed.rest()]
    assert sent == set(seen)
    assert len(seen) > len(sent)
    assert () == slot_runs(award, "H200", 0, slot=slot)


def test_the_agenda_keeps_time_and_order():
    """Earlier first; of one instant in the order planned."""
    agenda, done = Agenda(), []
    for at, name in ((2, "c"), (1, "a"), (1, "b")):
        agenda.plan(MONDAY + timedelta(days=at), name, lambda *_: None)
    while (step := agenda.next()) is not None:
        done.append(step.name)
    assert ["a", "b", "c"] == done


def test_a_year_has_whole_seasons():
    """As many calendars as fit, at least one."""
    world = a_world(a_course(), years=2)
    assert 4 == seasons_of(world)
    long = a_model(slots=60, slot_hours=168)
    assert 1 == seasons_of(replace(world, options=replace(world.options, model=long, years=1)))


def test_the_command_prints_a_course_a_line(tmp_path: Path, capsys):
    """A table for people, a list for programs; a bad option is refused before anything runs."""
    file = tmp_path / "model.json"
    file.write_text(json.dumps(a_model(slots=2, slot_hours=4368)))
    world = Terminal(environ={}, now=lambda: MONDAY, seconds=lambda: 0.0)
    arguments = ["sim", "--round", str(file), "--fellows", "4", "--reclaim", "emsl", "--quiet"]

    def ends(*more: str) -> int:
        with pytest.raises(SystemExit) as end:
            command_line.run([*arguments, *more], world)
        return end.value.code

    assert 0 == ends("--json")
    (figures,) = json.loads(capsys.readouterr().out)
    assert ("rank_and_fund", "emsl") == (figures["policy"], figures["reclaim"])
    assert f"Every invariant held after each of {figures['steps']} steps." in command.table(
        [Figures(**figures)]
    )
    assert 2 == ends("--habits", "late=1")
    assert 2 == ends("--reclaim", "mine")
    assert 2 == ends("--policy", "mine")


def test_unknown_rules_are_refused():
    """By name, as everywhere."""
    assert read_rule("none") is None
    with pytest.raises(CommandRefused, match="alcc"):
        read_rule("mine")
