"""Dashboards are what their builder prints, and ask Prometheus only what it can answer."""

import json
import re

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.parser import text_string_to_metric_families

from configs.grafana.boards import BOARDS
from configs.grafana.build import built
from scheduler.storage.store import open_store
from tests.contracts.test_metrics import NAME, OTHERS, promtool, recorded
from tests.dashboards import FOLDER, asked_of_prometheus
from tests.monitored import a_used_center, monitored


@pytest.fixture(params=BOARDS, ids=lambda board: board.name)
def board(request):
    """A dashboard, as its builder knows it."""
    return request.param


@pytest.fixture
def shipped(board):
    """The same dashboard as it is shipped."""
    return json.loads((FOLDER / f"{board.name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Every name that a scrape of a used center or a recording rule has."""
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('center') / 'dure.db'}") as store:
        store.write(a_used_center)
        metrics, _, _ = monitored(store)
        metrics.observe("GET", "/api/v1/calls", 200, 0.02, "ab" * 16)
        text = metrics.center("")[0].decode()
    families = text_string_to_metric_families(text)
    return {sample.name for family in families for sample in family.samples} | recorded()


def test_what_is_shipped_is_what_the_builder_prints(board):
    """Nobody edits a dashboard by hand: `python -m configs.grafana.build`."""
    assert built(board) == (FOLDER / f"{board.name}.json").read_text(encoding="utf-8")


def test_no_other_dashboard_is_shipped():
    """Each file has a board."""
    assert {board.name for board in BOARDS} == {each.stem for each in FOLDER.glob("*.json")}


def test_grafanas_own_types_read_it(shipped):
    """Reading and writing with the library's types changes nothing."""
    read = json.loads(json.dumps(Dashboard.from_json(shipped), cls=JSONEncoder))
    assert shipped == read


def test_every_panel_is_complete(shipped):
    """Ids are unique; a panel has a title, a text, a unit, thresholds and the chosen datasource."""
    panels = shipped["panels"]
    assert len(panels) == len({panel["id"] for panel in panels})
    for panel in panels:
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert re.search("[가-힣]", panel["description"])
        assert defaults["unit"]
        assert defaults["thresholds"]["steps"]
        assert "${datasource}" == panel["datasource"]["uid"]
        assert panel["options"]
        assert panel["targets"]
    kinds = [variable["type"] for variable in shipped["templating"]["list"]]
    assert "datasource" == kinds[0]


def test_panels_do_not_lie_over_each_other(shipped):
    """No two panels share a place of the grid, and none leaves it."""
    taken = [
        (x, y)
        for panel in shipped["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_every_metric_exists(shipped, names):
    """An expression names only what a used center exports or a rule records."""
    asked = {name for each in asked_of_prometheus(shipped) for name in re.findall(NAME, each)}
    assert asked
    assert set() == asked - names - OTHERS


def test_promtool_reads_every_expression(shipped, tmp_path):
    """Each expression is PromQL."""
    rules = [
        {"record": f"parsed:expression:{number}", "expr": each}
        for number, each in enumerate(asked_of_prometheus(shipped))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "parsed", "rules": rules}]}))
    checked = promtool("check", "rules", str(file))
    assert 0 == checked.returncode, checked.stdout + checked.stderr
