"""Statements of a center: the ledger's use, by payer, at the price of the call's tracks."""

import csv
from dataclasses import replace
from datetime import timedelta
from io import BytesIO, StringIO

import pytest
from pypdf import PdfReader

from scheduler.domain.access import EVERYTHING, Scope
from scheduler.domain.calls import Track
from scheduler.domain.errors import NotFound
from scheduler.domain.ledger import AccountKind
from scheduler.domain.messages import Language
from scheduler.domain.moves import MoveRule
from scheduler.domain.statements import Month, Statement, month_of
from scheduler.domain.usage import SliceKey
from scheduler.export.statement import COLUMNS, as_csv, as_pdf
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import accept_award, list_awards
from scheduler.operations.ledger import check_ledger
from scheduler.operations.moves import Moving, move_person
from scheduler.operations.statements import get_statement, list_statements
from scheduler.operations.usage import UsageCorrection, import_usage, propose_usage_correction
from scheduler.ports.store import Transaction
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    a_submitted_request,
    act,
    an_open_call,
    as_fellow,
    seen,
)
from tests.unit.operations.test_rounds import (
    a_frozen_round,
    a_scenario,
    approve_round,
    holds,
    publish,
    select_scenario,
)
from tests.unit.operations.test_usage import HOUR, WEEK, a_run

WON = 301
APRIL = month_of(WEEK)
MONTHS = (APRIL, APRIL.next, APRIL.next.next)


@pytest.fixture
def awarded(tx: Transaction) -> Transaction:
    """Mina of a paying track and Ara of a free one have used awards; some late, some wrongly."""
    call = an_open_call(
        tx, tracks=(Track(id="academia"), Track(id="sme", won_per_service_unit=WON))
    )
    mina = a_submitted_request(tx, call, "mina", track="sme")
    ara = a_submitted_request(tx, call, "ara", track="academia")
    round_ = a_frozen_round(tx, call)
    scenario = a_scenario(tx, round_, {mina.id: 800, ara.id: 400}, ())
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Fairest.")
    approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    publish(tx, act("operator", CLOSES), round_.id, scenario.digest, verify=holds)
    for award in list_awards(tx, ALL).items:
        accept_award(tx, as_fellow(award.fellow, CLOSES), award.id)
    seconds = timedelta(seconds=12_345)
    runs = [
        a_run(ends_at=WEEK + seconds),
        a_run(user="ara", job="18"),
        a_run(user="stranger", job="19"),
    ]
    import_usage(tx, act("coll", WEEK + timedelta(days=2)), runs)
    late = a_run(
        job="20", starts_at=WEEK + timedelta(days=1), ends_at=WEEK + timedelta(days=1, seconds=1)
    )
    import_usage(tx, act("coll", APRIL.next.begins_at), [late])
    wrong = UsageCorrection(key=SliceKey("duru", "17", WEEK), gpu_seconds=3601, reason="Runaway.")
    in_june = APRIL.next.next.begins_at
    proposal, _ = propose_usage_correction(tx, act("operator", in_june), wrong)
    decide_proposal(tx, act("approver", in_june), proposal.id, approve=True, reason="Seen.")
    return tx


def the_statements(tx: Transaction) -> list[Statement]:
    """Return all statements of all months."""
    return [each for month in MONTHS for each in list_statements(tx, ALL, month)]


def test_all_statements_are_the_fold_of_the_ledger(awarded: Transaction):
    """To the GPU-second over all payers, and to the won of what each award used in all."""
    made = the_statements(awarded)
    (trial,) = [each for each in check_ledger(awarded, ALL) if each.gpu_type == "H200"]
    assert trial.balances[AccountKind.CONSUMED] == sum(each.gpu_seconds for each in made)
    assert trial.balances[AccountKind.CONSUMED] > 0
    used = 3601 + 8  # the corrected run and the late second of eight GPUs, as the ledger has it
    assert used * WON // HOUR == sum(each.won for each in made)
    assert {"institute:kaist", "institute:gist", "center:center"} == {
        str(each.payer) for each in made
    }
    assert {0} == {each.won for each in made if str(each.payer) != "institute:kaist"}


def test_late_use_and_corrections_stand_in_later_months(awarded: Transaction):
    """April has the run as it was told, May the late second, June the refund below nothing."""
    first, second, third = (
        get_statement(awarded, ALL, month, "institute:kaist") for month in MONTHS
    )
    assert (8 * 12_345, 8, 3601 - 8 * 12_345) == tuple(
        each.gpu_seconds for each in (first, second, third)
    )
    assert third.won < 0 < first.won
    with pytest.raises(NotFound):
        get_statement(awarded, ALL, Month(2026, 7), "institute:kaist")


def test_a_coordinator_reads_their_institutes(awarded: Transaction):
    """Others, and use outside any award, are not there for them."""
    kaist = seen(Scope(institutes=frozenset({"kaist"})))
    assert ["institute:kaist"] == [
        str(each.payer) for each in list_statements(awarded, kaist, APRIL)
    ]
    with pytest.raises(NotFound):
        get_statement(awarded, kaist, APRIL, "institute:gist")
    assert () == list_statements(awarded, seen(Scope(own="mina")), APRIL)


@pytest.mark.parametrize("language", list(Language))
def test_the_table_says_the_same(awarded: Transaction, language: Language):
    """The CSV reads back to the lines, exactly, under headings of the language."""
    made = get_statement(awarded, ALL, APRIL, "institute:kaist")
    heading, *rows = csv.reader(StringIO(as_csv(made, language), newline=""))
    assert heading == [each.in_language(language) for each in COLUMNS.values()]
    assert [(str(each.gpu_seconds), str(each.won)) for each in made.lines] == [
        (row[5], row[9]) for row in rows
    ]
    assert [["mina", "vision", "sme", "H200", "1", str(WON)]] == [
        [*row[1:5], *row[7:9]] for row in rows
    ]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (Language.KOREAN, ["GPU 사용 명세서", "납부자", "kaist – 기관", "2026-04", "배정", "원"]),
        (Language.ENGLISH, ["Statement of GPU use", "Payer", "kaist – institute", "2026-04"]),
    ],
)
def test_the_document_says_the_same(awarded: Transaction, language: Language, words: list[str]):
    """The PDF holds title, payer, sums and lines as text; made again, it is the same bytes."""
    made = get_statement(awarded, ALL, APRIL, "institute:kaist")
    raw = as_pdf(made, language)
    assert raw == as_pdf(made, language)
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(raw)).pages)
    figures = [f"{made.gpu_seconds:,}", f"{made.won:,}", f"{WON}", "mina", "sme"]
    assert [] == [each for each in [*words, *figures] if each not in text]


def test_a_long_statement_goes_over_pages(awarded: Transaction):
    """Every line is there, under the headings of its page."""
    made = get_statement(awarded, ALL, APRIL, "institute:kaist")
    (line,) = made.lines
    lines = tuple(
        replace(line, meter=replace(line.meter, award=f"awd_{number:03}")) for number in range(200)
    )
    raw = as_pdf(replace(made, lines=lines), Language.ENGLISH)
    pages = [page.extract_text() for page in PdfReader(BytesIO(raw)).pages]
    assert len(pages) > 1
    assert all("GPU-seconds" in page for page in pages)
    assert [] == [each for each in lines if each.meter.award not in "".join(pages)]


def test_a_move_counts_from_then_on(awarded: Transaction):
    """What was entered before stays with the old payer, track and price; the rest is the new's."""
    before = the_statements(awarded)
    mina = next(each for each in list_awards(awarded, ALL).items if each.fellow == "mina")
    noon = APRIL.next.next.begins_at - timedelta(days=3)
    wish = Moving(group="folding", rule=MoveRule.CARRY, track="academia", reason="A new post.")
    move_person(awarded, act("admin", noon), "mina", wish)
    late = a_run(job="21", ends_at=WEEK + timedelta(seconds=450), gpus=8)
    import_usage(awarded, act("coll", noon + timedelta(hours=1)), [late])
    april, may = (list_statements(awarded, ALL, month) for month in MONTHS[:2])
    assert tuple(before[: len(april)]) == april
    lines = {
        (str(each.payer), line.meter.tariff.track): (line.gpu_seconds, line.won)
        for each in may
        for line in each.lines
        if line.meter.award == mina.id
    }
    kept = get_statement(awarded, ALL, MONTHS[1], "institute:kaist")
    assert (8, kept.won) == lines["institute:kaist", "sme"]
    assert (8 * 450, 0) == lines["institute:gist", "academia"]
    assert awarded.awards.get(EVERYTHING, mina.id).fellow == "mina"
