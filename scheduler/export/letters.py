"""Letters in Korean and English: text from a template, and from the text HTML and PDF.

A template's first line is its heading; a line with a tab is a name and its value; a line that
begins with a hyphen is an item; anything else is a paragraph.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from reportlab.platypus import Flowable

from scheduler.domain.amounts import number
from scheduler.domain.letters import Letter
from scheduler.domain.messages import Language
from scheduler.export import pdf

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "configs" / "letters"
PERCENT: Final = 100
_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(TEMPLATES),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - plain text; the HTML form escapes whatever it writes
    trim_blocks=True,
    keep_trailing_newline=True,
)


class Block(StrEnum):
    """What a line of a letter is."""

    TITLE = "title"
    """The heading."""
    FACT = "fact"
    """A name and its value."""
    ITEM = "item"
    """One of a list."""
    PARAGRAPH = "paragraph"
    """A sentence or more."""


def as_text(letter: Letter, language: Language) -> str:
    """Return a letter as plain text."""
    template = _ENVIRONMENT.get_template(f"{letter.outcome}.{language}.txt")
    return template.render(_fields(letter, language))


def as_html(letter: Letter, language: Language) -> str:
    """Return a letter as a page of HTML that needs nothing else."""
    parts = [_html(block, lines) for block, lines in _blocks(as_text(letter, language))]
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<meta charset="utf-8">\n'
        f"<title>{escape(letter.award or letter.request)}</title>\n{''.join(parts)}</html>\n"
    )


def as_pdf(letter: Letter, language: Language) -> bytes:
    """Return a letter as PDF; the same letter is the same bytes."""
    parts: list[Flowable] = []
    for block, lines in _blocks(as_text(letter, language)):
        parts += _pages(block, lines)
    return pdf.written(parts, subject=letter.award or letter.request)


def _blocks(text: str) -> Iterator[tuple[Block, list[str]]]:
    """Yield what follows on each other of one kind, without empty lines."""
    lines = [line for line in text.splitlines() if line]
    for block, same in groupby(lines, key=_block_of):
        yield block, list(same)


def _block_of(line: str) -> Block:
    if "\t" in line:
        return Block.FACT
    marks = {"# ": Block.TITLE, "- ": Block.ITEM}
    return marks.get(line[:2], Block.PARAGRAPH)


def _html(block: Block, lines: list[str]) -> str:
    if block is Block.FACT:
        rows = [map(escape, _fact(line)) for line in lines]
        cells = "".join(f'<tr><th align="left">{name}<td>{value}\n' for name, value in rows)
        return f"<table>\n{cells}</table>\n"
    if block is Block.ITEM:
        return "<ul>\n" + "".join(f"<li>{escape(line[2:])}\n" for line in lines) + "</ul>\n"
    if block is Block.TITLE:
        return f"<h1>{escape(lines[0][2:])}</h1>\n"
    return "".join(f"<p>{escape(line)}\n" for line in lines)


def _pages(block: Block, lines: list[str]) -> list[Flowable]:
    if block is Block.FACT:
        return [pdf.facts([_fact(line) for line in lines]), pdf.gap()]
    if block is Block.ITEM:
        return [*(pdf.bullet(line[2:]) for line in lines), pdf.gap()]
    if block is Block.TITLE:
        return [pdf.title(lines[0][2:])]
    return [pdf.paragraph(line) for line in lines]


def _fact(line: str) -> tuple[str, str]:
    name, _, value = line.partition("\t")
    return name, value


def _fields(letter: Letter, language: Language) -> dict[str, Any]:
    """Return what the templates may name, as text."""
    average = letter.gpus_on_average
    return {
        "fellow": letter.fellow,
        "title": letter.title,
        "call": letter.call,
        "award": letter.award,
        "request": letter.request,
        "requested": _amount(letter.requested),
        "recommended": _amount(letter.recommended),
        "awarded": _amount(letter.awarded),
        "service_units": _amount(letter.service_units),
        "score": _amount(letter.score),
        "factor": _tenths(Fraction(PERCENT * letter.awarded, letter.requested)),
        "gpu_hours": [(gpu_type, f"{hours:,}") for gpu_type, hours in letter.gpu_hours.items()],
        "gpus": None if average is None else _tenths(average),
        "period": _period(letter),
        "published_on": _day(letter.published_at),
        "answer_by": _day(letter.answer_by),
        "appeal_until": _day(letter.appeal_until),
        "digest": letter.digest,
        "reasons": [each[language] for each in letter.reasons],
        "change": None if letter.change is None else letter.change[language],
        "rank": letter.rank,
    }


def _amount(milli: int) -> str:
    return f"{number(milli):,}"


def _tenths(value: Fraction) -> str:
    """Return a figure with one place, rounded half up."""
    tenths = int(10 * value + Fraction(1, 2))
    return f"{tenths // 10:,}.{tenths % 10}"


def _period(letter: Letter) -> str | None:
    if letter.window is None:
        return None
    begins_at, ends_at = letter.window
    return f"{_day(begins_at)} – {_day(ends_at - timedelta(microseconds=1))}"


def _day(at: datetime) -> str:
    return at.date().isoformat()
