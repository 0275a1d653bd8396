"""A real Prometheus scrapes a live center, and recording rules return the right numbers."""

import json

import httpx
import pytest

from configs.grafana.boards import BOARDS
from tests.dashboards import FOLDER, asked_of_prometheus
from tests.monitored import GIVEN, REFUNDED, USED
from tests.prometheus import a_live_center, a_prometheus, scraping, waited_for

HOUR = 3600
ROUND = '{round!="none"}'


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A live server of a used center, which publishes series of fellows."""
    with a_live_center(tmp_path_factory.mktemp("center"), fellow_metrics=True) as (port, token):
        yield port, token


@pytest.fixture(scope="module")
def prometheus(served, tmp_path_factory):
    """A Prometheus that scrapes the server with the shipped rules; its address."""
    folder = tmp_path_factory.mktemp("prometheus")
    jobs = [scraping(folder, *served, path=path) for path in ("/metrics", "/metrics/fellows")]
    with a_prometheus(folder, jobs) as address:
        yield address


def values(found):
    """Return the numbers of a vector."""
    return [float(row["value"][1]) for row in found]


def test_recording_rules_return_the_right_numbers(prometheus):
    """Awards, use and their ratio are those of the ledger; supply and demand those of the round."""
    given = waited_for(prometheus, "round_group:dure_award_gpu_hours:sum")
    used = waited_for(prometheus, f"round_group:dure_usage_gpu_hours:sum{ROUND}")
    ratio = waited_for(prometheus, "round_group:dure_used:ratio")
    hours = waited_for(prometheus, "round:dure_award_reference_gpu_hours:sum")
    utilization = waited_for(prometheus, 'round_pool:dure_utilization:ratio{pool="h200"}')

    assert [GIVEN / HOUR] == values(given)
    assert [(USED - REFUNDED) / HOUR] == values(used)
    assert [(USED - REFUNDED) / GIVEN] == values(ratio)
    assert [704] == values(hours)
    assert [pytest.approx(704 / (32 * 672))] == values(utilization)
    assert {"round", "institute", "group"} < given[0]["metric"].keys()
    assert [1] == values(waited_for(prometheus, 'up{job="dure"}'))


def test_an_alert_fires_in_a_real_prometheus(prometheus):
    """The feeds of the test's past are stale by the clock; a reconciliation is no feed."""
    waiting = 'ALERTS{alertname="DureUsageImportStale",cluster="duru"}'
    found = {row["metric"]["source"] for row in waited_for(prometheus, waiting)}
    assert {"accounting", "controller"} == found


def test_latencies_come_with_traces(prometheus):
    """Scraped as OpenMetrics, a bucket of the histogram names a trace as its exemplar."""
    waited_for(prometheus, 'dure_http_request_duration_seconds_count{route="/metrics"} > 1')
    query = {"query": "dure_http_request_duration_seconds_bucket", "start": 0, "end": 4e9}
    answer = httpx.get(f"{prometheus}/api/v1/query_exemplars", params=query, timeout=5)
    traces = [
        each["labels"]["trace_id"]
        for series in answer.raise_for_status().json()["data"]
        for each in series["exemplars"]
    ]
    assert traces
    assert {32} == {len(trace) for trace in traces}


def test_fellows_are_scraped_under_pseudonyms(prometheus):
    """The fellows' series add up to the groups'."""
    (row,) = waited_for(prometheus, "sum(dure_fellow_award_gpu_seconds)")
    assert str(GIVEN) == row["value"][1]


@pytest.mark.parametrize("path", ["/metrics", "/metrics/fellows"])
def test_without_the_scrapers_token_nothing_is_told(served, path):
    """Both routes want a bearer token."""
    transport = httpx.HTTPTransport(retries=5)
    with httpx.Client(transport=transport) as client:
        assert 401 == client.get(f"http://127.0.0.1:{served[0]}{path}").status_code


@pytest.mark.parametrize("name", [board.name for board in BOARDS])
def test_every_panel_of_a_dashboard_has_an_answer(prometheus, name):
    """Each expression, asked of a Prometheus that scrapes a used center, is not empty."""
    shipped = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    for expression in asked_of_prometheus(shipped):
        assert waited_for(prometheus, expression), expression
