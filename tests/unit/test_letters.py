"""Letters: every figure in both languages, in text, HTML and PDF alike."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from io import BytesIO

import pytest
from pypdf import PdfReader

from scheduler.domain.letters import Letter, Outcome
from scheduler.domain.messages import Language
from scheduler.export.letters import as_html, as_pdf, as_text

PUBLISHED = datetime(2026, 12, 1, 9, tzinfo=UTC)
BEGINS = datetime(2027, 1, 4, tzinfo=UTC)
AWARD = Letter(
    outcome=Outcome.AWARD,
    request="req_1",
    award="awd_1",
    fellow="김하나",
    title="Folding <b>& more</b>",
    call="Autumn 2026",
    published_at=PUBLISHED,
    answer_by=PUBLISHED + timedelta(days=14),
    appeal_until=PUBLISHED + timedelta(days=30),
    requested=1_500_000,
    recommended=1_000_500,
    awarded=1_000_500,
    service_units=1_600_800,
    score=87_500,
    gpu_hours={"B200": 1_000, "H200": 8},
    window=(BEGINS, BEGINS + timedelta(days=28)),
    reasons=tuple({"ko": f"사유 {n}", "en": f"Reason {n}"} for n in (1, 2, 3)),
    change={"ko": "최소량 낮춤", "en": "A lower minimum"},
    rank=None,
    digest="ab" * 32,
)
RESERVE = replace(
    AWARD, outcome=Outcome.RESERVE, award=None, awarded=0, gpu_hours={}, window=None, rank=7
)
DECLINED = replace(RESERVE, outcome=Outcome.DECLINED, rank=None, change=None)
SHARED = ["김하나", "Folding <b>& more</b>", "Autumn 2026", "req_1", "1,500", "87.5", "2026-12-01"]
SHARED += ["2026-12-31", "ab" * 32]
OF_AWARD = ["awd_1", "1,000.5", "1,600.8", "1,000", "66.7 %", "1.5", "2026-12-15"]
OF_AWARD += ["2027-01-04 – 2027-01-31", "B200", "H200"]
REASONS = {Language.KOREAN: ["사유 1", "사유 3"], Language.ENGLISH: ["Reason 1", "Reason 3"]}
CHANGES = {Language.KOREAN: "최소량 낮춤", Language.ENGLISH: "A lower minimum"}
LETTERS = [
    (AWARD, OF_AWARD, {Language.KOREAN: "배정 통지", Language.ENGLISH: "Award of GPU-hours"}),
    (RESERVE, ["7"], {Language.KOREAN: "예비 순위", Language.ENGLISH: "reserve list"}),
    (DECLINED, [], {Language.KOREAN: "미배정 통지", Language.ENGLISH: "No award"}),
]


class Words(HTMLParser):
    """Collects the text of a page and the tags that it opens."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags = "", set()

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text += data

    def handle_starttag(self, tag: str, _attrs) -> None:
        """Keep the name of a tag."""
        self.tags.add(tag)


def read_pdf(raw: bytes) -> str:
    """Return the text of a document, its lines joined: long values are broken over lines."""
    return "".join(page.extract_text() for page in PdfReader(BytesIO(raw)).pages).replace("\n", "")


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(("letter", "own", "heading"), LETTERS)
def test_every_form_says_everything(letter, own, heading, language):
    """Figures, dates, reasons, change, rank and digest stand in text, HTML and PDF."""
    words = [*SHARED, *own, *REASONS[language], heading[language]]
    words += [CHANGES[language]] if letter.change else []
    page = Words()
    page.feed(as_html(letter, language))
    for form in (as_text(letter, language), page.text, read_pdf(as_pdf(letter, language))):
        squeezed = form.replace(" ", "")
        assert [] == [each for each in words if each.replace(" ", "") not in squeezed]
    assert "b" not in page.tags, "what a fellow wrote is no markup"


@pytest.mark.parametrize("language", list(Language))
def test_a_letter_is_always_the_same_bytes(language):
    """Made twice, the document is the same to the byte."""
    assert as_pdf(AWARD, language) == as_pdf(AWARD, language)


def test_an_award_without_dates_names_no_period():
    """Where the calendar has no first day, neither period nor average is told."""
    text = as_text(replace(AWARD, window=None), Language.ENGLISH)
    assert "Period" not in text
    assert "On average" not in text
