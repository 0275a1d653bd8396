"""Idle GPUs, from a real Prometheus that scrapes a small exporter with DCGM's names."""

import json
from datetime import timedelta

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge, make_asgi_app

from scheduler.domain.errors import InvalidUsage, InvalidValue
from scheduler.importers.dcgm import ACTIVE, UTIL, IdleQuery, read_idle
from tests.prometheus import a_prometheus, listening, waited_for
from tests.unit.test_cli_online import center, dure

__all__ = ["center", "dure"]

STEP = timedelta(seconds=1)
QUERY = IdleQuery(window=timedelta(seconds=10), step=STEP)
GPUS = (
    # job, percent of utilization, part of the engine's time, if the exporter has it
    ("17", 0, None),
    ("17", 90, None),
    ("18", 97, 0.01),
    ("18", 97, 0.80),
    ("19", 80, 0.70),
    ("", 0, 0.0),
)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """Address of a Prometheus that has scraped six GPUs for longer than the window."""
    registry = CollectorRegistry()
    labels = ("gpu", "UUID", "modelName", "Hostname", "hpc_job")
    util = Gauge(UTIL, "GPU utilization (in %).", labels, registry=registry)
    active = Gauge(ACTIVE, "Ratio of time the engine is active.", labels, registry=registry)
    for number, (job, percent, part) in enumerate(GPUS):
        values = (str(number), f"GPU-{number}", "NVIDIA H200", "n1", job)
        util.labels(*values).set(percent)
        if part is not None:
            active.labels(*values).set(part)
    folder = tmp_path_factory.mktemp("dcgm")
    with listening(make_asgi_app(registry)) as port:
        target = {"targets": [f"127.0.0.1:{port}"]}
        with a_prometheus(folder, [{"job_name": "dcgm", "static_configs": [target]}]) as address:
            waited_for(address, f"count_over_time({UTIL}{{gpu='0'}}[1m]) >= 12")
            yield address


def answer(address, expression):
    """Return the whole answer of Prometheus."""
    return httpx.get(f"{address}/api/v1/query", params={"query": expression}, timeout=10).json()


def test_each_job_is_told_what_it_held_and_did_not_use(prometheus):
    """Job 17 idles by utilization, 18 by its engine whatever utilization says, 19 works."""
    held, idle = (answer(prometheus, each) for each in (QUERY.held, QUERY.idle))
    found = {each.job: (each.held, each.idle) for each in read_idle(held, idle)}
    assert {"17", "18", "19"} == found.keys()
    for job, gpus, share in (("17", 2, 0.5), ("18", 2, 0.5), ("19", 2 - 1, 0.0)):
        seconds, unused = found[job]
        assert 8 * gpus <= seconds <= 11 * gpus
        assert pytest.approx(share * seconds, abs=2) == unused


def test_the_most_idle_job_comes_first(prometheus):
    """Who wastes most is read first; the command joins the awards and says it in JSON."""
    held, idle = (answer(prometheus, each) for each in (QUERY.held, QUERY.idle))
    unused = [each.idle for each in read_idle(held, idle)]
    assert sorted(unused, reverse=True) == unused


def test_the_command_joins_jobs_to_awards(prometheus, center, dure, capsys):
    """`dure usage idle` asks Prometheus and the center, and enters nothing."""
    entries = {"items": [{"award": None}, {"award": "awd_1"}], "next_cursor": None}
    center.answers["GET", "/api/v1/usage"] = (200, entries)
    asks = ("usage", "idle", "--cluster", "duru", "--prometheus", prometheus, "--hours", "1")
    assert 0 == dure(*asks, "--step", "1", "--json")
    told = json.loads(capsys.readouterr().out)
    assert {"17", "18", "19"} == {each["job"] for each in told}
    assert {"awd_1"} == {each["award"] for each in told}
    assert 0 == dure(*asks, "--step", "1")
    assert "idle GPU-seconds" in capsys.readouterr().out
    assert {"GET"} == {each[0] for each in center.seen}


def test_no_prometheus_is_told_as_such(center, dure, capsys):
    """A port where nobody listens asks to try later."""
    del center
    asks = ("usage", "idle", "--cluster", "duru", "--prometheus", "http://127.0.0.1:9")
    assert 75 == dure(*asks)
    assert "127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"status": "error", "error": "parse error"},
        {"status": "success", "data": {"resultType": "matrix", "result": []}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}]}},
        {"status": "success", "data": {"resultType": "vector", "result": [7]}},
    ],
)
def test_an_answer_that_is_no_vector_is_refused(broken):
    """What Prometheus does not say is not taken for idleness."""
    with pytest.raises(InvalidUsage):
        read_idle(broken, broken)


@pytest.mark.parametrize(
    "changes",
    [
        {"step": timedelta(0)},
        {"step": timedelta(hours=2)},
        {"window": timedelta(seconds=0)},
        {"idle_percent": 0},
    ],
)
def test_a_query_without_sense_is_refused(changes):
    """Each bound is named."""
    given = {"window": timedelta(hours=1), "step": timedelta(minutes=1), **changes}
    with pytest.raises(InvalidValue):
        IdleQuery(**given)
