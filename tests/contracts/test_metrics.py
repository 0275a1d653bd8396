"""Metric names are a promise: documented, clean, and without people."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.monitored import monitored

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "configs" / "prometheus"
LABELS = {
    "account", "call", "group", "gpu_type", "index", "le", "method", "phase", "policy", "pool",
    "round", "route", "state", "status", "version",
}  # fmt: skip
"""Every label that a metric may have; none says who."""


@pytest.fixture(scope="module")
def exposition():
    """A scrape in the classic text format, with one request observed."""
    metrics, _, _ = monitored()
    metrics.observe("GET", "/api/v1/calls", 200, 0.02)
    return metrics.exposition("text/plain")[0].decode()


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


def test_promtool_finds_nothing_to_say(exposition):
    """`promtool check metrics` is silent."""
    checked = promtool("check", "metrics", told=exposition)

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


def test_every_metric_has_a_heading_in_the_docs(exposition):
    """docs/metrics.md explains each metric under a heading of its own, and no other."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^### `(\w+)`", text, flags=re.MULTILINE))
    names = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in families(exposition)
        if not family.name.endswith("_created")
    }

    assert names == headings


def test_rules_ask_only_for_metrics_that_exist(exposition):
    """A recording rule that names a metric we do not have would be silent for ever."""
    names = {sample.name for family in families(exposition) for sample in family.samples}
    rules = (RULES / "dure.rules.yml").read_text(encoding="utf-8")
    asked = set(re.findall(r"(?<![:\w])dure_\w+(?![:\w])", rules))

    assert asked
    assert set() == asked - names


def test_rules_are_right():
    """Promtool accepts the rules and their own tests pass."""
    checked = promtool("test", "rules", str(RULES / "dure.rules.test.yml"))

    assert 0 == checked.returncode, checked.stdout + checked.stderr


def test_example_configuration_is_valid(tmp_path):
    """Promtool accepts the example scrape configuration."""
    for name in ("prometheus.yml", "dure.rules.yml"):
        shutil.copy(RULES / name, tmp_path)
    (tmp_path / "dure-scraper.token").write_text("dure_pat_x", encoding="utf-8")

    checked = promtool("check", "config", str(tmp_path / "prometheus.yml"))

    assert 0 == checked.returncode, checked.stdout + checked.stderr
