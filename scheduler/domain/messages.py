"""What the center says, in Korean and English: a title and a detail for each code.

Details are templates over the fields of the refusal or finding. A number that stands for
thousandths arrives here as a decimal already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from scheduler.domain.texts.failures import FAILURES
from scheduler.domain.texts.findings import FINDINGS
from scheduler.domain.texts.pair import Texts
from scheduler.domain.texts.refusals import REFUSALS

_TEXTS: Final[Mapping[str, Texts]] = {**REFUSALS, **FAILURES, **FINDINGS}


class Language(StrEnum):
    """The languages of the center."""

    KOREAN = "ko"
    """한국어."""
    ENGLISH = "en"
    """English."""


@dataclass(frozen=True, slots=True)
class Message:
    """One short sentence, and one that names thing, value and rule."""

    title: str
    detail: str


class _Fields(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "–"


def codes() -> tuple[str, ...]:
    """Return every code that has a text, in alphabetical order."""
    return tuple(sorted(_TEXTS))


def render(code: str, fields: Mapping[str, object], language: Language) -> Message:
    """Return the text of a code in a language, its fields filled in.

    An unknown code is answered by the text of a plain refusal, so that saying no never fails.
    """
    texts = _TEXTS.get(code, _TEXTS["refused"])
    title, detail = texts.ko if language is Language.KOREAN else texts.en
    shown = _Fields({name: _shown(value) for name, value in fields.items()})
    return Message(title, detail.format_map(shown))


def _shown(value: object) -> str:
    """Return a field as a text has it; a list of sentences is a paragraph."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        parts = [str(part) for part in value]
        between = " " if all(part.endswith(".") for part in parts) else ", "
        return between.join(parts) or "–"
    return str(value)
