"""Metric names are a promise: documented, clean, and without people."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from scheduler.storage.store import open_store
from tests.monitored import a_used_center, monitored

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "configs" / "prometheus"
LABELS = {
    "account", "call", "cause", "channel", "cluster", "group", "gpu_type", "index", "institute",
    "le", "method", "phase", "policy", "pool", "reason", "round", "route", "source", "state",
    "status", "step", "target", "version",
}  # fmt: skip
"""Every label that a metric may have; none says who."""
NAME = r"\b(?:\w+:)?(?:dure_\w+|DCGM_\w+|up\b)(?::\w+)?"
"""What a rule may ask for: our metrics and records, those of DCGM, and `up`."""
OTHERS = {"up", "DCGM_FI_DEV_GPU_UTIL"}
"""What others export."""


@pytest.fixture(scope="module")
def expositions(tmp_path_factory):
    """Scrapes of a used center in the classic text format: of the center, of its fellows."""
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('center') / 'dure.db'}") as store:
        store.write(a_used_center)
        metrics, _, _ = monitored(store)
        metrics.observe("GET", "/api/v1/calls", 200, 0.02, "ab" * 16)
        yield metrics.center("")[0].decode(), metrics.fellows("")[0].decode()


@pytest.fixture(scope="module")
def exposition(expositions):
    """A scrape of the center."""
    return expositions[0]


def promtool(*arguments, told=None):
    """Run promtool; without it a developer's machine skips and CI fails."""
    program = shutil.which("promtool")
    if program is None:
        assert not os.environ.get("CI"), "CI must have promtool"
        pytest.skip("promtool is not installed")
    return subprocess.run(
        [program, *arguments], input=told, capture_output=True, text=True, check=False, timeout=60
    )


def families(exposition):
    """Return the metric families of a scrape."""
    return list(text_string_to_metric_families(exposition))


def test_promtool_finds_nothing_to_say(expositions):
    """`promtool check metrics` is silent."""
    for each in expositions:
        checked = promtool("check", "metrics", told=each)
        assert (0, "", "") == (checked.returncode, checked.stdout, checked.stderr)


def test_every_name_begins_with_dure_and_has_a_help_text(exposition):
    """No metric hides among others', none is unexplained."""
    assert [] == [
        family.name
        for family in families(exposition)
        if not family.name.startswith("dure_") or not family.documentation
    ]


def test_no_label_says_who(exposition):
    """Labels come from a closed list without people."""
    used = {
        label
        for family in families(exposition)
        for sample in family.samples
        for label in sample.labels
    }
    assert set() == used - LABELS


def test_every_metric_has_a_heading_in_the_docs(expositions):
    """docs/metrics.md explains each metric under a heading of its own, and no other."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^### `(\w+)`", text, flags=re.MULTILINE))
    names = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in families("".join(expositions))
        if not family.name.endswith("_created")
    }

    assert names == headings


def recorded():
    """Return the names that recording rules make."""
    rules = yaml.safe_load((RULES / "dure.rules.yml").read_text(encoding="utf-8"))
    return {rule["record"] for group in rules["groups"] for rule in group["rules"]}


@pytest.mark.parametrize("name", ["dure.rules.yml", "dure.alerts.yml"])
def test_rules_ask_only_for_metrics_that_exist(exposition, name):
    """A rule that names a metric we do not have would be silent for ever."""
    names = {sample.name for family in families(exposition) for sample in family.samples}
    rules = yaml.safe_load((RULES / name).read_text(encoding="utf-8"))
    asked = {
        found
        for group in rules["groups"]
        for rule in group["rules"]
        for found in re.findall(NAME, rule["expr"])
    }

    assert asked
    assert set() == asked - names - recorded() - OTHERS


@pytest.mark.parametrize("name", ["dure.rules.test.yml", "dure.alerts.test.yml"])
def test_rules_are_right(name):
    """Promtool accepts the rules and their own tests pass."""
    checked = promtool("test", "rules", str(RULES / name))

    assert 0 == checked.returncode, checked.stdout + checked.stderr


def test_every_alert_is_tested_to_fire_and_not_to_fire_and_has_a_heading():
    """docs/alerts.md says what to do about each alert, and the tests see both sides of it."""
    rules = yaml.safe_load((RULES / "dure.alerts.yml").read_text(encoding="utf-8"))
    tests = yaml.safe_load((RULES / "dure.alerts.test.yml").read_text(encoding="utf-8"))["tests"]
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    checks = [check for test in tests for check in test["alert_rule_test"]]
    text = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")

    assert alerts == {check["alertname"] for check in checks if check["exp_alerts"]}
    assert alerts == {check["alertname"] for check in checks if not check["exp_alerts"]}
    assert alerts == set(re.findall(r"^### (\w+)$", text, flags=re.MULTILINE))


def test_example_configuration_is_valid(tmp_path):
    """Promtool accepts the example scrape configuration."""
    for name in ("prometheus.yml", "dure.rules.yml", "dure.alerts.yml"):
        shutil.copy(RULES / name, tmp_path)
    (tmp_path / "dure-scraper.token").write_text("dure_pat_x", encoding="utf-8")

    checked = promtool("check", "config", str(tmp_path / "prometheus.yml"))

    assert 0 == checked.returncode, checked.stdout + checked.stderr
