"""Statements over HTTP: by payer, in the form that is asked for, for those who may read them."""

import csv
from io import BytesIO, StringIO

import pytest
from pypdf import PdfReader

from tests.e2e.center import Center, call_terms
from tests.e2e.test_http_books import HOUR, awards, brought

__all__ = ["awards"]

DRAFT = call_terms()
MONTH = "statements/2027-01"
MINE = f"{MONTH}/institute:inst"


@pytest.fixture
def used(center: Center, awards: dict[str, str]) -> Center:
    """A center in which two fellows of an institute and a stranger have used GPUs."""
    del awards
    assert 201 == brought(center).status_code
    return center


def test_the_statements_of_a_month(used: Center):
    """Operators see all, a coordinator the own institute, a fellow is refused."""
    told = used.get(MONTH, "op").json()
    assert ("2027-01", 83 * HOUR, 0) == (told["month"], told["gpu_seconds"], told["won"])
    assert ["center:center", "institute:inst"] == sorted(each["payer"] for each in told["items"])
    own = used.get(MONTH, "coord").json()
    assert ["institute:inst"] == [each["payer"] for each in own["items"]]
    assert 82 * HOUR == own["gpu_seconds"]
    assert 403 == used.get(MONTH, "kim").status_code
    assert 404 == used.get(f"{MONTH}/center:center", "coord").status_code
    assert [] == used.get("statements/2026-12", "op").json()["items"]
    assert 422 == used.get("statements/2027-13", "op").status_code


def test_a_statement_in_every_form(used: Center):
    """JSON unless Accept says otherwise; CSV and PDF say the same, in the language asked for."""
    shown = used.get(MINE, "coord").json()
    assert {"kim", "lee"} == {each["fellow"] for each in shown["lines"]}
    table = used.get(MINE, "coord", headers={"Accept": "text/csv;q=0.9, application/pdf;q=0.1"})
    assert "text/csv; charset=utf-8" == table.headers["content-type"]
    rows = list(csv.reader(StringIO(table.content.decode(), newline="")))
    assert [str(each["gpu_seconds"]) for each in shown["lines"]] == [row[5] for row in rows[1:]]
    page = used.get(f"{MINE}?lang=ko", "coord", headers={"Accept": "application/pdf"})
    assert "application/pdf" == page.headers["content-type"]
    assert "명세서" in PdfReader(BytesIO(page.content)).pages[0].extract_text()
    other = used.get(MINE, "coord", headers={"Accept": "image/png"})
    assert other.json() == shown


def test_the_price_of_a_track_is_in_the_call(center: Center):
    """It is drafted with the call, shown to whoever may ask, and frozen when it opens."""
    tracks = [{"id": "sme", "won_per_service_unit": 300}, {"id": "academia"}]
    call = center.call(tracks=tracks, answer_days=7)
    shown = center.get(f"calls/{call}", "kim").json()
    assert [300, 0] == [each["won_per_service_unit"] for each in shown["tracks"]]
    assert (7, 30) == (shown["answer_days"], shown["appeal_days"])
    wrong = center.create(
        "calls", "op", {**DRAFT, "tracks": [{"id": "x", "won_per_service_unit": -1}]}
    )
    assert 422 == wrong.status_code
    assert 422 == center.create("calls", "op", {**DRAFT, "appeal_days": 0}).status_code
