"""Rounds: one run from call to publication, and every step guarded."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from scheduler.domain.errors import InvalidTransition, ScenarioMismatch, SecondPersonRequired
from scheduler.domain.events import Happening, Json
from scheduler.domain.names import line
from scheduler.domain.scenarios import Scenario


class RoundState(StrEnum):
    """How far a round is."""

    DRAFT = "draft"
    """Made for a call that has not opened."""
    OPEN = "open"
    """The call takes requests."""
    REVIEW = "review"
    """The call is closed; scores arrive."""
    FROZEN = "frozen"
    """The snapshot is taken; scenarios are solved."""
    DECIDING = "deciding"
    """A scenario is selected and waits for a second person."""
    APPROVED = "approved"
    """The selected scenario is signed by its digest."""
    PUBLISHED = "published"
    """Awards are offered."""
    ACTIVE = "active"
    """Awards are in use."""
    CLOSED = "closed"
    """Over."""
    SUPERSEDED = "superseded"
    """A later reallocation took its place before it was selected."""


class Step(StrEnum):
    """A guarded transition."""

    OPEN = "open"
    """The call has opened."""
    REVIEW = "review"
    """The call has closed."""
    FREEZE = "freeze"
    """Take the snapshot."""
    SELECT = "select"
    """Propose a scenario; again replaces the proposal."""
    APPROVE = "approve"
    """Sign the selected scenario."""
    REJECT = "reject"
    """Send the selection back."""
    PUBLISH = "publish"
    """Offer the awards."""
    ACTIVATE = "activate"
    """Awards come into use."""
    CLOSE = "close"
    """End the round."""
    SUPERSEDE = "supersede"
    """A later reallocation takes its place."""


TRANSITIONS: Final[Mapping[RoundState, Mapping[Step, RoundState]]] = {
    RoundState.DRAFT: {Step.OPEN: RoundState.OPEN},
    RoundState.OPEN: {Step.REVIEW: RoundState.REVIEW},
    RoundState.REVIEW: {Step.FREEZE: RoundState.FROZEN},
    RoundState.FROZEN: {
        Step.SELECT: RoundState.DECIDING,
        Step.SUPERSEDE: RoundState.SUPERSEDED,
    },
    RoundState.DECIDING: {
        Step.SELECT: RoundState.DECIDING,
        Step.APPROVE: RoundState.APPROVED,
        Step.REJECT: RoundState.FROZEN,
    },
    RoundState.APPROVED: {Step.PUBLISH: RoundState.PUBLISHED, Step.REJECT: RoundState.FROZEN},
    RoundState.PUBLISHED: {Step.ACTIVATE: RoundState.ACTIVE},
    RoundState.ACTIVE: {Step.CLOSE: RoundState.CLOSED},
    RoundState.CLOSED: {},
    RoundState.SUPERSEDED: {},
}
PUBLIC: Final = frozenset({RoundState.PUBLISHED, RoundState.ACTIVE, RoundState.CLOSED})
"""States after publication."""
SOLVABLE: Final = frozenset({RoundState.FROZEN, RoundState.DECIDING})
"""States in which a solve may be started and a what-if asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One run from call to publication.

    Attributes:
        snapshot: digest of the `dure-round/1` document, once frozen.
        requests: number of requests in the snapshot.
        scenario, scenario_digest: what is selected.
        continues: the round that goes on in mid-round with this one, which then takes no requests.
        since: the first slot that such a round decides on.
    """

    id: str
    call: str
    title: str
    created_by: str
    created_at: datetime
    state: RoundState = RoundState.DRAFT
    snapshot: str | None = None
    requests: int = 0
    frozen_by: str | None = None
    frozen_at: datetime | None = None
    scenario: str | None = None
    scenario_digest: str | None = None
    selected_by: str | None = None
    selected_at: datetime | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    published_by: str | None = None
    published_at: datetime | None = None
    continues: str | None = None
    since: int = 0
    version: int = 1

    def __post_init__(self) -> None:
        line(self.title, field="/title")

    @property
    def allowed(self) -> tuple[Step, ...]:
        """Steps that the state allows; only a reallocation can be superseded."""
        steps = TRANSITIONS[self.state]
        return tuple(each for each in steps if each is not Step.SUPERSEDE or self.continues)

    @property
    def is_public(self) -> bool:
        """Whether the result is published."""
        return self.state in PUBLIC

    @property
    def may_go_on(self) -> bool:
        """Whether a reallocation may continue it."""
        return self.state in {RoundState.PUBLISHED, RoundState.ACTIVE}

    @property
    def is_solvable(self) -> bool:
        """Whether a solve may be started."""
        return self.state in SOLVABLE

    def open(self) -> tuple["Round", Happening]:
        """Follow the call as it opens."""
        return self._step(Step.OPEN)

    def review(self) -> tuple["Round", Happening]:
        """Follow the call as it closes."""
        return self._step(Step.REVIEW)

    def freeze(
        self, *, snapshot: str, requests: int, by: str, at: datetime
    ) -> tuple["Round", Happening]:
        """Decide on this snapshot from now on."""
        frozen, _ = self._step(Step.FREEZE)
        frozen = replace(frozen, snapshot=snapshot, requests=requests, frozen_by=by, frozen_at=at)
        return frozen, frozen.told(Step.FREEZE, {"snapshot": snapshot, "requests": requests})

    def select(
        self, scenario: Scenario, *, why: str, by: str, at: datetime
    ) -> tuple["Round", Happening]:
        """Propose a scenario of this round."""
        selecting, _ = self._step(Step.SELECT)
        if scenario.round != self.id:
            raise ScenarioMismatch(round=self.id, expected=self.id, got=scenario.round)
        selected = replace(
            selecting,
            scenario=scenario.id,
            scenario_digest=scenario.digest,
            selected_by=by,
            selected_at=at,
            approved_by=None,
            approved_at=None,
        )
        return selected, selected.told(Step.SELECT, {"digest": scenario.digest, "reason": why})

    def approve(
        self, scenario: Scenario, *, digest: str, why: str, by: str, at: datetime
    ) -> tuple["Round", Happening]:
        """Sign the selected scenario, whose authors may not sign, by the digest that was read.

        Raises:
            ScenarioMismatch: If the digest is not that of the selected scenario.
            SecondPersonRequired: If the approver selected it, started its solve or wrote its
                policy.
        """
        approving, _ = self._step(Step.APPROVE)
        self._refuse_other(digest)
        earlier = {
            "selector": self.selected_by,
            "starter of the solve": scenario.started_by,
            "author of the policy": scenario.policy_author,
        }
        for part, person in earlier.items():
            if by == person:
                raise SecondPersonRequired(action="round.approve", person=by, part=part)
        approved = replace(approving, approved_by=by, approved_at=at)
        return approved, approved.told(Step.APPROVE, {"digest": digest, "reason": why})

    def reject(self, *, digest: str, why: str) -> tuple["Round", Happening]:
        """Send the selection back; other scenarios may be selected.

        Raises:
            ScenarioMismatch: If the digest is not that of the selected scenario.
        """
        rejecting, _ = self._step(Step.REJECT)
        self._refuse_other(digest)
        rejected = replace(
            rejecting,
            scenario=None,
            scenario_digest=None,
            selected_by=None,
            selected_at=None,
            approved_by=None,
            approved_at=None,
        )
        return rejected, rejected.told(Step.REJECT, {"digest": digest, "reason": why})

    def publish(
        self, *, digest: str, by: str, at: datetime, facts: Mapping[str, Json]
    ) -> tuple["Round", Happening]:
        """Offer the awards of the approved scenario.

        Raises:
            ScenarioMismatch: If the digest is not that of the approved scenario.
        """
        publishing, _ = self._step(Step.PUBLISH)
        self._refuse_other(digest)
        published = replace(publishing, published_by=by, published_at=at)
        return published, published.told(Step.PUBLISH, {"digest": digest, **facts})

    def activate(self) -> tuple["Round", Happening]:
        """Bring the awards into use."""
        return self._step(Step.ACTIVATE)

    def close(self) -> tuple["Round", Happening]:
        """End the round."""
        return self._step(Step.CLOSE)

    def supersede(self, by: str) -> tuple["Round", Happening]:
        """Give way to a later reallocation of the same call."""
        superseded, _ = self._step(Step.SUPERSEDE)
        return superseded, superseded.told(Step.SUPERSEDE, {"by": by})

    def told(self, step: Step, body: Mapping[str, Json]) -> Happening:
        """Return what the log says of a step of this round."""
        return Happening(kind=f"round.{_PAST[step]}", subject=self.id, body=body)

    def refuse_unless(self, step: Step) -> None:
        """Refuse a step that the state does not allow.

        Raises:
            InvalidTransition: Naming what is allowed.
        """
        if step not in self.allowed:
            raise InvalidTransition(
                kind="round",
                id=self.id,
                state=self.state,
                action=str(step),
                allowed=[str(allowed) for allowed in self.allowed],
            )

    def _step(self, step: Step) -> tuple["Round", Happening]:
        self.refuse_unless(step)
        state = TRANSITIONS[self.state][step]
        moved = replace(self, state=state, version=self.version + 1)
        return moved, moved.told(step, {})

    def _refuse_other(self, digest: str) -> None:
        if digest != self.scenario_digest:
            raise ScenarioMismatch(round=self.id, expected=self.scenario_digest, got=digest)


_PAST: Final[Mapping[Step, str]] = {
    Step.OPEN: "opened",
    Step.REVIEW: "in_review",
    Step.FREEZE: "frozen",
    Step.SELECT: "selected",
    Step.APPROVE: "approved",
    Step.REJECT: "rejected",
    Step.PUBLISH: "published",
    Step.ACTIVATE: "activated",
    Step.CLOSE: "closed",
    Step.SUPERSEDE: "superseded",
}


class DecisionKind(StrEnum):
    """A signed step of a round."""

    SELECTION = "selection"
    """An operator proposes."""
    APPROVAL = "approval"
    """A second person signs."""
    REJECTION = "rejection"
    """A second person sends back."""
    PUBLICATION = "publication"
    """The awards are offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decided what on which scenario, when and why.

    Attributes:
        event, event_hash: position and hash of the event that tells of it.
    """

    id: str
    round: str
    kind: DecisionKind
    scenario: str
    scenario_digest: str
    by: str
    at: datetime
    reason: str
    event: int
    event_hash: str
    facts: Mapping[str, Json] = field(default_factory=dict)
