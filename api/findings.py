"""Findings and broken rules as the rows of a problem's `errors`."""

from collections.abc import Mapping
from typing import Any

from scheduler.domain.checks import Finding
from scheduler.domain.errors import DureError, InvalidValue
from scheduler.domain.messages import Language


def shown_finding(found: Finding, language: Language) -> dict[str, Any]:
    """Show what an entry check found, in a language."""
    return {
        "pointer": f"#{found.field}",
        "code": found.code,
        "severity": str(found.severity),
        "message": found.message(language).detail,
        "got": found.value,
        "limit": found.rule,
    }


def errors_of(refusal: DureError, language: Language) -> list[Mapping[str, Any]]:
    """Return the single faults a refusal speaks about, one row each."""
    if isinstance(refusal, InvalidValue):
        return [_wrong_value(refusal)]
    found = refusal.fields.get("findings", ())
    rows = found if isinstance(found, list | tuple) else ()
    return [shown_finding(each, language) if isinstance(each, Finding) else each for each in rows]


def _wrong_value(refusal: InvalidValue) -> dict[str, Any]:
    rule = refusal.fields.get("rule")
    return {
        "pointer": f"#{refusal.fields.get('field', '')}",
        "code": refusal.code,
        "message": str(refusal),
        "got": refusal.fields.get("value"),
        "limit": rule,
    }
