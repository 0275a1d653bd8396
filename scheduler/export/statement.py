"""Statements as CSV and PDF, in Korean and English."""

import csv
from io import StringIO
from typing import Final

from scheduler.domain.messages import Language
from scheduler.domain.statements import Line, PayerKind, Statement
from scheduler.export.hours import hours_text
from scheduler.export.pdf import facts, gap, paragraph, table, title, written
from scheduler.export.sentence import Sentence

COLUMNS: Final = {
    "award": Sentence("배정", "Award"),
    "fellow": Sentence("펠로우", "Fellow"),
    "group": Sentence("연구단", "Group"),
    "track": Sentence("트랙", "Track"),
    "gpu_type": Sentence("GPU", "GPU"),
    "gpu_seconds": Sentence("GPU초", "GPU-seconds"),
    "gpu_hours": Sentence("GPU시간", "GPU-hours"),
    "su_per_gpu_hour": Sentence("환산 계수", "SU/GPU-hour"),
    "won_per_service_unit": Sentence("단가(원)", "Won/SU"),
    "won": Sentence("금액(원)", "Won"),
}
"""Headings of both forms."""
WIDTHS: Final = (24, 11, 10, 10, 9, 15, 13, 10, 10, 13)
TEXTS: Final = 5
"""How many columns are text."""
TITLE: Final = Sentence("GPU 사용 명세서", "Statement of GPU use")
HEAD: Final = {
    "payer": Sentence("납부자", "Payer"),
    "month": Sentence("대상 월", "Month"),
    "total": Sentence("합계", "Total"),
}
PAYERS: Final = {
    PayerKind.INSTITUTE: Sentence("기관", "institute"),
    PayerKind.GROUP: Sentence("연구단", "group"),
    PayerKind.CENTER: Sentence("센터(배정 외 사용)", "center (use outside any award)"),
}
TOTAL: Final = Sentence(
    "{gpu_hours} GPU시간({gpu_seconds} GPU초), {won}원",
    "{gpu_hours} GPU-hours ({gpu_seconds} GPU-seconds), {won} won",
)
NOTE: Final = Sentence(
    "해당 월(UTC)에 원장에 기입된 사용량입니다. 늦게 도착한 사용량과 정정은 기입된 달의 명세서에 "
    "들어갑니다. 금액은 배정별 누적 사용량의 금액(원 미만 버림)의 차이입니다.",
    "What was entered in the ledger within the month (UTC). Late reports and corrections stand in "
    "the statement of the month in which they were entered. A line is the difference of two sums "
    "of an award, each rounded down to the won.",
)


def as_csv(statement: Statement, language: Language) -> str:
    """Return the lines of a statement as CSV (RFC 4180), headings in the language."""
    stream = StringIO()
    writer = csv.writer(stream)
    writer.writerow(each.in_language(language) for each in COLUMNS.values())
    writer.writerows(_figures(each) for each in statement.lines)
    return stream.getvalue()


def as_pdf(statement: Statement, language: Language) -> bytes:
    """Return a statement as PDF."""
    heading = TITLE.in_language(language)
    head = {name: each.in_language(language) for name, each in HEAD.items()}
    payer = f"{statement.payer.id} – {PAYERS[statement.payer.kind].in_language(language)}"
    total = TOTAL.in_language(language).format(
        gpu_hours=hours_text(statement.gpu_seconds),
        gpu_seconds=f"{statement.gpu_seconds:,}",
        won=f"{statement.won:,}",
    )
    rows = [[each.in_language(language) for each in COLUMNS.values()]]
    rows += [_shown(each) for each in statement.lines]
    parts = [
        title(heading),
        facts(
            [(head["payer"], payer), (head["month"], str(statement.month)), (head["total"], total)]
        ),
        gap(),
        table(rows, left=TEXTS, widths=WIDTHS),
        gap(),
        paragraph(NOTE.in_language(language)),
    ]
    return written(parts, subject=f"{heading} {statement.month} {statement.payer}")


def _figures(line: Line) -> list[str]:
    """Return a line as exact plain figures."""
    meter, tariff = line.meter, line.meter.tariff
    return [
        meter.award,
        meter.fellow,
        meter.group,
        tariff.track or "",
        meter.gpu_type,
        str(line.gpu_seconds),
        hours_text(line.gpu_seconds),
        f"{float(tariff.charge):.6f}".rstrip("0").rstrip("."),
        str(tariff.won),
        str(line.won),
    ]


def _shown(line: Line) -> list[str]:
    """Return a line as people read it: thousands are grouped."""
    figures = _figures(line)
    for at, amount in ((5, line.gpu_seconds), (8, line.meter.tariff.won), (9, line.won)):
        figures[at] = f"{amount:,}"
    return figures
