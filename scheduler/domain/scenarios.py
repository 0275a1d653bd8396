"""Scenarios: policy, problem, plan and certificate, kept whole and named by digest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from scheduler.domain.events import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What one finished solve of a round proposes.

    Attributes:
        digest: SHA-256 of the canonical JSON of the digests of round, policy, plan, certificate.
        policy_version: number of the stored version, or nothing for a preset.
        policy_author: who wrote that version, or nothing for a preset.
        snapshot, plan, certificate, policy_digest: digests of kept documents.
        started_by: who started the solve.
        gap: as the solve reports it, or nothing when it has no bound.
        stages, measures: as in the plan document.
    """

    id: str
    round: str
    solve: str
    digest: str
    policy: str
    policy_version: int | None
    policy_author: str | None
    policy_digest: str
    snapshot: str
    plan: str
    certificate: str
    started_by: str
    seed: int
    status: str
    gap: float | None
    stages: tuple[Mapping[str, Json], ...]
    measures: Mapping[str, Json]
    created_at: datetime
    seconds: float | None = None
