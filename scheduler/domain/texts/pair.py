"""One text of the center in both of its languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """A title and a detail, as templates over fields, in English and in Korean."""

    en: tuple[str, str]
    ko: tuple[str, str]
