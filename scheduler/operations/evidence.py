"""Evidence: the documents of a scenario, read and checked before the writer is asked anything."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from scheduler.document import Document, parse_document
from scheduler.domain.access import EVERYTHING
from scheduler.domain.events import Json
from scheduler.domain.rounds import Step
from scheduler.domain.scenarios import Scenario
from scheduler.ports.store import Transaction
from solver.canonical import digest

PARTS: Mapping[str, str] = {
    "round": "snapshot",
    "policy": "policy_digest",
    "plan": "plan",
    "certificate": "certificate",
}
"""Which field of a scenario names which document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The documents that a checker without a solver needs, decimals exact.

    Attributes:
        snapshot: `dure-round/1`; plan: `dure-plan/1`; certificate: `dure-certificate/1`.
        policy: the keys of the policy file that the scenario was solved under.
    """

    snapshot: Document
    policy: Document
    plan: Document
    certificate: Document


Verify: TypeAlias = Callable[[Evidence], Sequence[Mapping[str, Json]]]
"""Returns every broken rule with its witness; nothing when all rules hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A scenario and its documents as the store has them.

    Attributes:
        texts: JSON by part: ``round``, ``policy``, ``plan``, ``certificate``.
    """

    scenario: Scenario
    texts: Mapping[str, str]

    def evidence(self) -> Evidence:
        """Return the documents, parsed."""
        read = {name: parse_document(text.encode()) for name, text in self.texts.items()}
        return Evidence(
            snapshot=read["round"],
            policy=read["policy"],
            plan=read["plan"],
            certificate=read["certificate"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found about a scenario's documents, outside of any transaction.

    Attributes:
        findings: every altered document and every broken rule; none when all is well.
        verifier: source of the program by which anyone can check the same.
    """

    kept: Kept
    evidence: Evidence
    findings: tuple[Mapping[str, Json], ...]
    verifier: str

    @property
    def verifier_digest(self) -> str:
        """The SHA-256 of that program, as ``sha256sum`` prints it."""
        return hashlib.sha256(self.verifier.encode()).hexdigest()

    def altered_since(self, tx: Transaction) -> Iterator[Mapping[str, Json]]:
        """Yield the documents that the store has otherwise now than when they were checked."""
        now = kept_documents(tx, self.kept.scenario)
        for name, text in now.texts.items():
            if text != self.kept.texts[name]:
                yield altered_finding(name)


def kept_documents(tx: Transaction, scenario: Scenario) -> Kept:
    """Return a scenario with the texts of its documents."""
    texts = {name: tx.documents.text(getattr(scenario, field)) for name, field in PARTS.items()}
    return Kept(scenario=scenario, texts=texts)


def approved_documents(tx: Transaction, round_id: str) -> Kept | None:
    """Return what a publication of the round would publish; nothing when it allows none."""
    round_ = tx.rounds.find(round_id)
    if round_ is None or Step.PUBLISH not in round_.allowed:
        return None
    assert round_.scenario is not None, "an approved round has a selected scenario"
    return kept_documents(tx, tx.scenarios.get(EVERYTHING, round_.scenario))


def check_documents(kept: Kept, *, verify: Verify, verifier: str) -> Checked:
    """Look at every document and every rule; it takes a while and needs no store."""
    evidence = kept.evidence()
    altered = [altered_finding(name) for name in altered_documents(evidence, kept.scenario)]
    return Checked(
        kept=kept,
        evidence=evidence,
        findings=(*altered, *verify(evidence)),
        verifier=verifier,
    )


def evidence_of(tx: Transaction, scenario: Scenario) -> Evidence:
    """Return the documents of a scenario, for its checker."""
    return kept_documents(tx, scenario).evidence()


def altered_documents(evidence: Evidence, scenario: Scenario) -> tuple[str, ...]:
    """Return the parts of a scenario that are no longer what was named and signed by digest.

    The approval in the log holds the digest of the scenario, that binds the digests of its
    documents, and those bind their content: whoever changes a row of the store is found here.
    """
    named = {
        "round": (evidence.snapshot, scenario.snapshot),
        "policy": (evidence.policy, scenario.policy_digest),
        "plan": (evidence.plan, scenario.plan),
        "certificate": (evidence.certificate, scenario.certificate),
    }
    digests = {name: kept for name, (_, kept) in named.items()}
    altered = [name for name, (content, kept) in named.items() if digest(content) != kept]
    if digest(digests) != scenario.digest:
        altered.append("scenario")
    return tuple(altered)


def altered_finding(name: str) -> Mapping[str, Json]:
    """Return the finding of a document that is no longer what its digest names."""
    return {
        "pointer": f"#/{name}",
        "code": "altered-document",
        "message": f"The {name} is no longer what its digest names.",
    }
