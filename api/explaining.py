"""Explanations as data and as text in the caller's language."""

from collections.abc import Mapping
from typing import Any

from api.schemas.awards import ExplanationOut
from scheduler.domain.events import Json
from scheduler.domain.messages import Language


def shown_explanation(
    request: str, explanation: Mapping[str, Json], language: Language
) -> ExplanationOut:
    """Return an explanation with its text.

    Args:
        request: what was asked about.
        explanation: as the scenario keeps it; texts by language under ``text``.
        language: which text to show.
    """
    texts: Any = explanation.get("text", {})
    said = texts.get(str(language), "") if isinstance(texts, Mapping) else texts
    return ExplanationOut(request=request, text=said, explanation=dict(explanation))
