"""A template in both languages of the center."""

from dataclasses import dataclass

from scheduler.domain.messages import Language


@dataclass(frozen=True, slots=True)
class Sentence:
    """A template in both languages; the fields are the same."""

    ko: str
    en: str

    def in_language(self, language: Language) -> str:
        """Return the template of a language."""
        return self.ko if language is Language.KOREAN else self.en
