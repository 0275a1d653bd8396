"""The documents speak of what exists, and of all of it."""

import csv
import json
import re
from pathlib import Path

import pytest

from scheduler.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def endpoints():
    """Return the rows of the table of endpoints."""
    with (ROOT / "configs" / "endpoints.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    """A relative link names a file that is there."""
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [] == [link for link in links if not (page.parent / link).exists()]


def test_the_table_of_endpoints_is_the_api():
    """Every row is a route of the OpenAPI document, and every route has a row."""
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]

    def shape(method, path):
        return method, re.sub(r"\{[^}]*\}", "{}", path)

    described = {shape(method.upper(), path) for path, each in paths.items() for method in each}
    assert described == {shape(row["method"], row["path"]) for row in endpoints()}


def test_every_endpoint_is_documented():
    """docs/api.md has a row for each endpoint, with its action and flags."""
    text = (ROOT / "docs" / "api.md").read_text()
    rows = [
        f"| {row['method']} | `{row['path']}` | {row['action']} | {row['ok']} | {row['flags']} |"
        for row in endpoints()
    ]
    assert [] == [row for row in rows if row not in text]
    assert len(rows) == len(re.findall(r"^\| (?:GET|PUT|POST|PATCH|DELETE) ", text, re.MULTILINE))


def test_every_setting_is_documented():
    """docs/operator.md has a heading and the environment variable of each setting."""
    text = (ROOT / "docs" / "operator.md").read_text()
    missing = [
        name
        for name in Settings.model_fields
        if f"### `{name}`" not in text or f"DURE_{name.upper()}" not in text
    ]
    assert [] == missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_target_and_file_exists(page):
    """`make` targets, policies and source files that a page names are there."""
    text, makefile = page.read_text(), (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert set() == {
        name for name in targets if not re.search(rf"^{name}:", makefile, re.MULTILINE)
    }
    files = set(re.findall(r"`((?:solver|scheduler|api|configs|benchmarks)/[\w./-]+\.\w+)`", text))
    assert set() == {name for name in files if not (ROOT / name).exists()}
