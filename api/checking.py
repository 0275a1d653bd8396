"""The checker at the doors: plain integers, no solver; run before anything is published."""

from collections.abc import Mapping, Sequence
from typing import Any

from scheduler.domain.events import Json
from scheduler.domain.scenarios import Scenario
from scheduler.operations.evidence import Evidence
from solver.canonical import digest
from solver.checking.verdict import Verdict, Witness
from solver.verify import verify


def verdict(evidence: Evidence) -> Verdict:
    """Return what the checker says of a scenario's documents."""
    return verify(evidence.snapshot, evidence.plan, evidence.certificate)


def broken_rules(evidence: Evidence) -> Sequence[Mapping[str, Json]]:
    """Return every broken rule with its witness; nothing when all rules hold."""
    return tuple(witnessed(each) for each in verdict(evidence).witnesses)


def altered(evidence: Evidence, scenario: Scenario) -> list[str]:
    """Return the documents that no longer are what the scenario names by digest."""
    named = {
        "snapshot": (evidence.snapshot, scenario.snapshot),
        "policy": (evidence.policy, scenario.policy_digest),
        "plan": (evidence.plan, scenario.plan),
        "certificate": (evidence.certificate, scenario.certificate),
    }
    return [name for name, (content, kept) in named.items() if digest(content) != kept]


def witnessed(witness: Witness) -> dict[str, Any]:
    """Return a witness as a row of a problem's `errors`."""
    return {
        "pointer": _pointer(witness),
        "code": f"broken-{witness.rule}".replace("_", "-"),
        "message": witness.text,
        "numbers": {name: str(value) for name, value in witness.numbers},
    }


def _pointer(witness: Witness) -> str:
    place = [witness.request, witness.pool, witness.slot]
    return "#/" + "/".join(str(part) for part in place if part is not None)
