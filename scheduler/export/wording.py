"""Explanations and conflicts in words, Korean and English, and as JSON data.

Korean sentences are built so that no particle depends on the name before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scheduler.domain.messages import Language
from scheduler.export.sentences import CONFLICTS, HEADINGS, REASONS, UNITS
from scheduler.formulate import Names
from solver.checking.verdict import shown
from solver.plan import Conflict
from solver.problem import MILLI, Problem, Unit
from solver.reasons import NO_ENTITLEMENT, Explanation, Reason

PLAIN: Final = ("count", "slot", "slots")
"""Numbers whose names end so are counts; all others are thousandths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What turns indices into words.

    Attributes:
        names: the ids behind the indices.
        unit: what entitlements and caps are counted in.
    """

    names: Names
    unit: Unit

    def explanation_document(self, problem: Problem, explanation: Explanation) -> dict[str, Any]:
        """Return an explanation as JSON data, ids for indices and decimals for thousandths."""
        names, each = self.names, explanation
        first, end = int(problem.first[each.request]), int(problem.end[each.request])
        return {
            "request": names.requests[each.request],
            "outcome": each.outcome.value,
            "eligible": each.eligible,
            "gpu_hours": {
                "asked": _number(each.asked),
                "minimum": _number(each.minimum),
                "awarded": _number(each.awarded),
            },
            "service_units": _number(each.service_units),
            "score": _number(each.score),
            "window": [first, end],
            "unit": self.unit.value,
            "fellow": _standing(
                names.fellows[each.fellow], each.fellow_entitlement, each.fellow_received
            ),
            "group": _standing(
                names.groups[each.group], each.group_entitlement, each.group_received
            ),
            "reserve_rank": each.rank or None,
            "reasons": [self._reason_document(reason) for reason in each.reasons],
        }

    def _reason_document(self, reason: Reason) -> dict[str, Any]:
        """Return a reason as JSON data with its sentence in both languages."""
        return {
            "code": reason.why.value,
            "numbers": {name: _plain(name, value) for name, value in reason.numbers},
            "pools": _named(self.names.pools, reason.pools),
            "requests": _named(self.names.requests, reason.requests),
            "text": {language.value: self.reason_text(reason, language) for language in Language},
        }

    def explanation_lines(self, explanation: Explanation, language: Language) -> list[str]:
        """Return an explanation as sentences: what was asked and awarded, then each reason."""
        each, names = explanation, self.names
        fields = {
            "request": names.requests[each.request],
            "asked": shown(each.asked),
            "minimum": shown(each.minimum),
            "awarded": shown(each.awarded),
            "score": shown(each.score),
            "rank": str(each.rank),
            "fellow": names.fellows[each.fellow],
            "fellow_entitlement": shown(each.fellow_entitlement),
            "fellow_received": shown(each.fellow_received),
            "group": names.groups[each.group],
            "group_entitlement": shown(each.group_entitlement),
            "group_received": shown(each.group_received),
            "unit": UNITS[self.unit].in_language(language),
        }
        entitled = each.fellow_entitlement != NO_ENTITLEMENT
        keys = [each.outcome.value]
        keys += ["standing"] if entitled else []
        lines = [HEADINGS[key].in_language(language).format_map(fields) for key in keys]
        return lines + [self.reason_text(reason, language) for reason in each.reasons]

    def reason_text(self, reason: Reason, language: Language) -> str:
        """Return a reason as a sentence."""
        fields = self._fields(reason.numbers, language)
        fields["pools"] = _listed(self.names.pools, reason.pools)
        fields["requests"] = _listed(self.names.requests, reason.requests)
        return REASONS[reason.why].in_language(language).format_map(fields)

    def conflict_document(self, conflict: Conflict) -> dict[str, Any]:
        """Return a conflict as JSON data with its sentence in both languages."""
        names = self.names
        parts = {
            "requests": _named(names.requests, conflict.requests),
            "fellows": _named(names.fellows, conflict.fellows),
            "groups": _named(names.groups, conflict.groups),
            "institutes": _named(names.institutes, conflict.institutes),
            "tracks": _named(names.tracks, conflict.tracks),
            "pools": _named(names.pools, conflict.pools),
        }
        return {
            "code": conflict.code,
            **{name: value for name, value in parts.items() if value},
            "numbers": {name: _plain(name, value) for name, value in conflict.numbers},
            "text": {
                language.value: self.conflict_text(conflict, language) for language in Language
            },
        }

    def conflict_text(self, conflict: Conflict, language: Language) -> str:
        """Return a conflict as a sentence that names things, values and the rule."""
        names = self.names
        fields = self._fields(conflict.numbers, language)
        fields["requests"] = _listed(names.requests, conflict.requests)
        fields["request"] = _listed(names.requests, conflict.requests[:1])
        fields["others"] = _listed(names.requests, conflict.requests[1:])
        fields["pools"] = _listed(names.pools, conflict.pools)
        holders = (
            ("group", names.groups, conflict.groups),
            ("institute", names.institutes, conflict.institutes),
            ("track", names.tracks, conflict.tracks),
            ("fellow", names.fellows, conflict.fellows),
            ("request", names.requests, conflict.requests),
        )
        fields["holders"] = ", ".join(
            f"{HEADINGS[kind].in_language(language)} {_listed(ids, indices)}"
            for kind, ids, indices in holders
            if indices
        )
        return CONFLICTS[conflict.code].in_language(language).format_map(fields)

    def _fields(self, numbers: Iterable[tuple[str, int]], language: Language) -> dict[str, str]:
        """Return numbers as text by name."""
        fields = {name: f"{_plain(name, value):,}" for name, value in numbers}
        fields["unit"] = UNITS[self.unit].in_language(language)
        return fields


def _standing(name: str, entitlement: int, received: int) -> dict[str, Any]:
    """Return what someone is entitled to and receives."""
    right = None if entitlement == NO_ENTITLEMENT else _number(entitlement)
    return {"id": name, "entitlement": right, "received": _number(received)}


def _plain(name: str, value: int) -> int | float:
    """Return a figure as a JSON number: counts as they are, thousandths as decimals."""
    return value if name.endswith(PLAIN) else _number(value)


def _number(milli: int) -> int | float:
    """Return thousandths as a JSON number."""
    whole, rest = divmod(milli, MILLI)
    return milli / MILLI if rest else whole


def _named(ids: Sequence[str], indices: Iterable[int]) -> list[str]:
    """Return the ids of indices in alphabetical order."""
    return sorted(ids[index] for index in indices)


def _listed(ids: Sequence[str], indices: Iterable[int]) -> str:
    """Return the ids of indices as a list in a sentence."""
    return ", ".join(ids[index] for index in indices)
