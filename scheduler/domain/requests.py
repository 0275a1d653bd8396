"""Requests: a draft that is edited, submissions that never change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from scheduler.domain.calls import milliseconds
from scheduler.domain.errors import InvalidTransition, InvalidValue
from scheduler.domain.events import Happening
from scheduler.domain.names import line, paragraphs, slug
from scheduler.domain.pools import LARGEST_SLOTS

LARGEST_GPUS: Final = 1_000_000
LARGEST_RANK: Final = 10_000


class AskShape(StrEnum):
    """How a request may lie in its window."""

    FLEXIBLE = "flexible"
    """Any hours in any slot."""
    BLOCK = "block"
    """The same GPUs over consecutive slots, start chosen."""
    CONSTANT = "constant"
    """The same GPUs over the whole window."""


class Urgency(StrEnum):
    """How much the window matters."""

    STRICT = "strict"
    """Later is useless."""
    SOFT = "soft"
    """Later is worth less."""
    BEST = "best"
    """Whenever there is room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a fellow asks; a draft may leave parts open, a submission may not.

    Attributes:
        gpu_hours, minimum_gpu_hours: thousandths of reference GPU-hours.
        gang_gpus: GPUs used together; max_gpus: most GPUs at once.
        window: half-open range of slots of the call's calendar.
        speeds: pool → thousandths of a reference GPU-hour per GPU-hour there.
        after: id of the request that comes first.
    """

    title: str = ""
    abstract: str = ""
    gpu_hours: int | None = None
    minimum_gpu_hours: int = 0
    gang_gpus: int = 1
    max_gpus: int | None = None
    window: tuple[int, int] | None = None
    speeds: Mapping[str, int] = field(default_factory=dict)
    shape: AskShape = AskShape.FLEXIBLE
    block_slots: int | None = None
    single_pool: bool = False
    after: str | None = None
    track: str | None = None
    urgency: Urgency | None = None

    def __post_init__(self) -> None:
        line(self.title, field="/title")
        paragraphs(self.abstract, field="/abstract")
        for pool in self.speeds:
            slug(pool, field="/speeds")
        for field_, name in (("/track", self.track), ("/after", self.after)):
            if name is not None:
                slug(name, field=field_)
        if not 1 <= self.gang_gpus <= LARGEST_GPUS:
            raise InvalidValue(
                field="/gang_gpus", value=self.gang_gpus, rule=f"1 to {LARGEST_GPUS}"
            )
        if self.max_gpus is not None and not 1 <= self.max_gpus <= LARGEST_GPUS:
            raise InvalidValue(field="/max_gpus", value=self.max_gpus, rule=f"1 to {LARGEST_GPUS}")
        if self.window is not None and not 0 <= self.window[0] < self.window[1] <= LARGEST_SLOTS:
            raise InvalidValue(
                field="/window", value=list(self.window), rule=f"0 ≤ first < end ≤ {LARGEST_SLOTS}"
            )
        if self.block_slots is not None and not 1 <= self.block_slots <= LARGEST_SLOTS:
            raise InvalidValue(
                field="/block_slots", value=self.block_slots, rule=f"1 to {LARGEST_SLOTS}"
            )
        if self.gpu_hours is not None and self.gpu_hours == 0:
            raise InvalidValue(field="/gpu_hours", value=0, rule="more than 0")


class RequestState(StrEnum):
    """How far a request is."""

    DRAFT = "draft"
    """Never submitted."""
    SUBMITTED = "submitted"
    """Has a valid submission."""
    ELIGIBLE = "eligible"
    """May be funded."""
    INELIGIBLE = "ineligible"
    """May not be funded."""
    AWARDED = "awarded"
    """Holds an award."""
    RESERVE = "reserve"
    """Next in line."""
    DECLINED = "declined"
    """Not funded."""
    WITHDRAWN = "withdrawn"
    """Taken back by its fellow."""


LIVE: Final = frozenset(
    {RequestState.DRAFT, RequestState.SUBMITTED, RequestState.ELIGIBLE, RequestState.INELIGIBLE}
)
"""States before the decision in which a request counts against the caps."""
IN_ROUND: Final = frozenset({RequestState.SUBMITTED, RequestState.ELIGIBLE})
"""States whose latest submission enters the snapshot of a round."""

_ALLOWED: Final[Mapping[RequestState, tuple[str, ...]]] = {
    RequestState.DRAFT: ("edit", "submit", "withdraw"),
    RequestState.SUBMITTED: ("edit", "submit", "withdraw", "decide_eligibility", "decide"),
    RequestState.ELIGIBLE: ("edit", "submit", "withdraw", "decide_eligibility", "decide"),
    RequestState.INELIGIBLE: ("edit", "submit", "withdraw", "decide_eligibility"),
    RequestState.AWARDED: (),
    RequestState.RESERVE: ("withdraw", "draw"),
    RequestState.DECLINED: (),
    RequestState.WITHDRAWN: (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """GPU-hours asked by one fellow in one call.

    Attributes:
        label: what the round's snapshot calls it: its id, or the id of an imported file.
        draft: the ask as it is edited.
        submitted: number of the latest submission; 0 before the first.
        edited: whether the draft differs from the latest submission.
    """

    id: str
    call: str
    fellow: str
    label: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    draft: Ask
    state: RequestState = RequestState.DRAFT
    submitted: int = 0
    edited: bool = True
    state_reason: str = ""
    version: int = 1

    @property
    def allowed(self) -> tuple[str, ...]:
        """What the state allows."""
        return _ALLOWED[self.state]

    def edit(self, draft: Ask, at: datetime) -> "Request":
        """Change the draft; a submission that exists stays valid."""
        self.refuse_unless_allowed("edit")
        return replace(self, draft=draft, edited=True, updated_at=at, version=self.version + 1)

    def submit(self, at: datetime) -> tuple["Request", Happening]:
        """Make the draft the next submission."""
        self.refuse_unless_allowed("submit")
        submitted = replace(
            self,
            state=RequestState.SUBMITTED,
            submitted=self.submitted + 1,
            edited=False,
            state_reason="",
            updated_at=at,
            version=self.version + 1,
        )
        told = Happening(
            kind="request.submitted",
            subject=self.id,
            body={"call": self.call, "number": submitted.submitted},
        )
        return submitted, told

    def withdraw(self, why: str, at: datetime) -> tuple["Request", Happening]:
        """Take the request back for good."""
        self.refuse_unless_allowed("withdraw")
        withdrawn = self._moved(RequestState.WITHDRAWN, why, at)
        return withdrawn, Happening(
            kind="request.withdrawn", subject=self.id, body={"call": self.call}
        )

    def decide_eligibility(
        self, *, eligible: bool, why: str, at: datetime
    ) -> tuple["Request", Happening]:
        """Say whether the latest submission may be funded."""
        self.refuse_unless_allowed("decide_eligibility")
        state = RequestState.ELIGIBLE if eligible else RequestState.INELIGIBLE
        told = Happening(
            kind=f"request.{state}",
            subject=self.id,
            body={"call": self.call, "number": self.submitted, "reason": why},
        )
        return self._moved(state, why, at), told

    def decide(self, state: RequestState, at: datetime) -> "Request":
        """Give the request its outcome: awarded, reserve or declined."""
        self.refuse_unless_allowed("decide")
        if state not in {RequestState.AWARDED, RequestState.RESERVE, RequestState.DECLINED}:
            raise ValueError(f"{state} is no outcome of a request.")
        return self._moved(state, "", at)

    def draw(self, at: datetime) -> "Request":
        """Fund a request of the reserve list."""
        self.refuse_unless_allowed("draw")
        return self._moved(RequestState.AWARDED, "", at)

    def refuse_unless_allowed(self, action: str) -> None:
        """Refuse what the state does not allow.

        Raises:
            InvalidTransition: Naming what is allowed.
        """
        if action not in self.allowed:
            raise InvalidTransition(
                kind="request",
                id=self.id,
                state=self.state,
                action=action,
                allowed=list(self.allowed),
            )

    def _moved(self, state: RequestState, why: str, at: datetime) -> "Request":
        return replace(self, state=state, state_reason=why, updated_at=at, version=self.version + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One immutable, numbered version of a request, with what its receipt states.

    Attributes:
        received_at: the server's receive time, by which the deadline was decided.
        digest: SHA-256 of the canonical JSON of the ask.
        event, event_hash: position and hash of the event that tells of it.
    """

    id: str
    request: str
    number: int
    ask: Ask
    submitted_by: str
    received_at: datetime
    deadline: datetime
    digest: str
    event: int
    event_hash: str

    @property
    def margin_ms(self) -> int:
        """Milliseconds left before the deadline."""
        return milliseconds(self.received_at, self.deadline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsement:
    """A lead's or coordinator's word for a request, with a rank inside the group."""

    id: str
    request: str
    number: int
    by: str
    at: datetime
    rank: int | None = None
    comment: str = ""

    def __post_init__(self) -> None:
        paragraphs(self.comment, field="/comment")
        if self.rank is not None and not 1 <= self.rank <= LARGEST_RANK:
            raise InvalidValue(field="/rank", value=self.rank, rule=f"1 to {LARGEST_RANK}")
