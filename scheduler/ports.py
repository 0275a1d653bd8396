"""What operations need of the world: a store, its transactions, a source of ids.

A `Transaction` is either the one writer's (inside a savepoint of a group commit) or a read
snapshot; its repositories are the same. `get` answers only what the scope may see and refuses
with `NotFound` otherwise; `find` looks inside the center, for rules, and answers nothing when
there is nothing. `save` refuses with `VersionMismatch` when the stored version is not the one
before. Lists are ordered by id and answer a page from after the cursor.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from scheduler.domain.access import Permit, Scope
from scheduler.domain.awards import Award, AwardState, ReserveEntry
from scheduler.domain.calls import Call, CallState
from scheduler.domain.directory import GrantState, Group, Institute, Person, RoleGrant
from scheduler.domain.errors import VersionMismatch
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.jobs import Job, JobState, Progress
from scheduler.domain.policies import Policy, PolicyVersion
from scheduler.domain.pools import CapacityChange, ChangeState, Pool
from scheduler.domain.requests import Endorsement, Request, RequestState, Submission
from scheduler.domain.reviews import ReviewScore
from scheduler.domain.rounds import Decision, Round, RoundState
from scheduler.domain.scenarios import Scenario
from scheduler.domain.tokens import Token

T = TypeVar("T")
DEFAULT_LIMIT = 50
LARGEST_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `next` is the cursor of the following part, if there is one."""

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a list is asked for."""

    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


FIRST = Slice()
"""The first part, of the default length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFilter:
    """Which requests a list is about; what is not said is not filtered."""

    call: str | None = None
    state: RequestState | None = None
    fellow: str | None = None
    group: str | None = None


ALL_REQUESTS = RequestFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardFilter:
    """Which awards a list is about; what is not said is not filtered."""

    round: str | None = None
    state: AwardState | None = None
    fellow: str | None = None


ALL_AWARDS = AwardFilter()


class Ids(Protocol):
    """Makes ids that sort by time."""

    def new(self, prefix: str, now: datetime) -> str:
        """Return ``prefix_`` and a UUIDv7 in lower-case Crockford base32 (26 letters)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who acts under which permission, when, and what they last read.

    Attributes:
        now: the server's receive time; deadlines are decided by it.
        if_version: the version that was read; the act is refused if it is not the current one.
    """

    permit: Permit
    now: datetime
    ids: Ids
    if_version: int | None = None

    @property
    def person(self) -> str:
        """Id of who acts."""
        return self.permit.person

    @property
    def scope(self) -> Scope:
        """What the act reaches."""
        return self.permit.scope

    def new(self, prefix: str) -> str:
        """Return a new id."""
        return self.ids.new(prefix, self.now)

    def expect(self, kind: str, id_: str, version: int) -> None:
        """Refuse to act on another version than the one that was read.

        Raises:
            VersionMismatch: If the current version is another.
        """
        if self.if_version is not None and self.if_version != version:
            raise VersionMismatch(kind=kind, id=id_, expected=self.if_version, current=version)


class Institutes(Protocol):
    """Institutes by slug."""

    def find(self, id_: str) -> Institute | None:
        """Return the institute, if there is one."""
        ...

    def add(self, institute: Institute) -> None:
        """Keep a new institute."""
        ...

    def save(self, institute: Institute) -> None:
        """Keep the next version."""
        ...

    def list(self, scope: Scope, slice_: Slice = FIRST) -> Page[Institute]:
        """List institutes; all are visible to whoever sees anyone."""
        ...


class Groups(Protocol):
    """Groups by slug."""

    def find(self, id_: str) -> Group | None:
        """Return the group, if there is one."""
        ...

    def add(self, group: Group) -> None:
        """Keep a new group."""
        ...

    def save(self, group: Group) -> None:
        """Keep the next version."""
        ...

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, institute: str | None = None
    ) -> Page[Group]:
        """List groups."""
        ...

    def of(self, ids: Iterable[str]) -> Sequence[Group]:
        """Return the groups of these ids, in order of id."""
        ...


class People(Protocol):
    """People by slug."""

    def find(self, id_: str) -> Person | None:
        """Return the person, whoever asks."""
        ...

    def get(self, scope: Scope, id_: str) -> Person:
        """Return the person, if visible."""
        ...

    def add(self, person: Person) -> None:
        """Keep a new person."""
        ...

    def save(self, person: Person) -> None:
        """Keep the next version."""
        ...

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        group: str | None = None,
        institute: str | None = None,
    ) -> Page[Person]:
        """List visible people."""
        ...

    def of(self, ids: Iterable[str]) -> Sequence[Person]:
        """Return the people of these ids, in order of id."""
        ...


class RoleGrants(Protocol):
    """Role grants by id."""

    def get(self, scope: Scope, id_: str) -> RoleGrant:
        """Return the grant, if visible."""
        ...

    def add(self, grant: RoleGrant) -> None:
        """Keep a new grant."""
        ...

    def save(self, grant: RoleGrant) -> None:
        """Keep the next version."""
        ...

    def of(self, person: str) -> Sequence[RoleGrant]:
        """Return the effective grants of a person."""
        ...

    def any(self) -> bool:
        """Return whether any role was ever granted."""
        ...

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        person: str | None = None,
        state: GrantState | None = None,
    ) -> Page[RoleGrant]:
        """List visible grants."""
        ...


class Tokens(Protocol):
    """Tokens by id and by hash."""

    def by_hash(self, hash_: str) -> Token | None:
        """Return the token with this hash."""
        ...

    def get(self, scope: Scope, id_: str) -> Token:
        """Return the token, if visible."""
        ...

    def add(self, token: Token) -> None:
        """Keep a new token."""
        ...

    def save(self, token: Token) -> None:
        """Keep a changed token."""
        ...

    def list(self, scope: Scope, slice_: Slice = FIRST) -> Page[Token]:
        """List visible tokens."""
        ...


class Pools(Protocol):
    """Pools by slug."""

    def find(self, id_: str) -> Pool | None:
        """Return the pool, if there is one."""
        ...

    def add(self, pool: Pool) -> None:
        """Keep a new pool."""
        ...

    def save(self, pool: Pool) -> None:
        """Keep the next version."""
        ...

    def of(self, ids: Iterable[str]) -> Sequence[Pool]:
        """Return the pools of these ids, in order of id."""
        ...

    def list(self, slice_: Slice = FIRST) -> Page[Pool]:
        """List pools."""
        ...


class CapacityChanges(Protocol):
    """Capacity changes by id."""

    def find(self, id_: str) -> CapacityChange | None:
        """Return the change, if there is one."""
        ...

    def add(self, change: CapacityChange) -> None:
        """Keep a new change."""
        ...

    def save(self, change: CapacityChange) -> None:
        """Keep the next version."""
        ...

    def of(self, pools: Iterable[str]) -> Sequence[CapacityChange]:
        """Return the approved changes of some pools, in order of id."""
        ...

    def list(
        self,
        slice_: Slice = FIRST,
        *,
        pool: str | None = None,
        state: ChangeState | None = None,
    ) -> Page[CapacityChange]:
        """List changes."""
        ...


class Policies(Protocol):
    """Policies by name, and their versions by number."""

    def find(self, name: str) -> Policy | None:
        """Return the policy, if there is one."""
        ...

    def add(self, policy: Policy) -> None:
        """Keep a new policy."""
        ...

    def save(self, policy: Policy) -> None:
        """Keep the next version of the record."""
        ...

    def list(self, slice_: Slice = FIRST) -> Page[Policy]:
        """List policies."""
        ...

    def version(self, name: str, number: int) -> PolicyVersion | None:
        """Return one content, if there is one."""
        ...

    def versions(self, name: str) -> Sequence[PolicyVersion]:
        """Return all contents, oldest first."""
        ...

    def add_version(self, version: PolicyVersion) -> None:
        """Keep a new content."""
        ...

    def save_version(self, version: PolicyVersion) -> None:
        """Keep a locked content."""
        ...


class Calls(Protocol):
    """Calls by id. Who sees more than open calls sees drafts too."""

    def find(self, id_: str) -> Call | None:
        """Return the call, whoever asks."""
        ...

    def add(self, call: Call) -> None:
        """Keep a new call."""
        ...

    def save(self, call: Call) -> None:
        """Keep the next version."""
        ...

    def list(
        self, slice_: Slice = FIRST, *, drafts: bool = False, state: CallState | None = None
    ) -> Page[Call]:
        """List calls by stored state; drafts only when asked for."""
        ...


class Requests(Protocol):
    """Requests by id, with their submissions and endorsements."""

    def find(self, id_: str) -> Request | None:
        """Return the request, whoever asks."""
        ...

    def get(self, scope: Scope, id_: str) -> Request:
        """Return the request, if visible."""
        ...

    def add(self, request: Request) -> None:
        """Keep a new request."""
        ...

    def save(self, request: Request) -> None:
        """Keep the next version."""
        ...

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, where: RequestFilter = ALL_REQUESTS
    ) -> Page[Request]:
        """List visible requests."""
        ...

    def of_fellow(self, call: str, fellow: str) -> Sequence[Request]:
        """Return every request of a fellow in a call."""
        ...

    def labelled(self, call: str) -> Mapping[str, Request]:
        """Return the requests of a call by label."""
        ...

    def counts(self, call: str) -> Mapping[RequestState, int]:
        """Return how many requests of a call are in each state."""
        ...

    def add_all(self, pairs: Iterable[tuple[Request, Submission]]) -> None:
        """Keep many new requests, each with its only submission."""
        ...

    def save_all(self, requests: Iterable[Request]) -> None:
        """Keep the next versions of many."""
        ...

    def add_submission(self, submission: Submission) -> None:
        """Keep a submission for good."""
        ...

    def submission(self, request: str, number: int) -> Submission | None:
        """Return one submission."""
        ...

    def submissions(self, request: str) -> Sequence[Submission]:
        """Return the submissions of a request, oldest first."""
        ...

    def latest(
        self, call: str, states: Iterable[RequestState]
    ) -> Sequence[tuple[Request, Submission]]:
        """Return requests of a call in these states, each with its latest submission, by id."""
        ...

    def add_endorsement(self, endorsement: Endorsement) -> None:
        """Keep an endorsement."""
        ...

    def endorsements(self, request: str) -> Sequence[Endorsement]:
        """Return the endorsements of a request, oldest first."""
        ...


class Scores(Protocol):
    """Review scores by request and reviewer."""

    def put(self, scores: Iterable[ReviewScore]) -> None:
        """Keep scores in place of the same reviewers' earlier ones."""
        ...

    def of_request(self, request: str) -> Sequence[ReviewScore]:
        """Return the scores of a request, by reviewer."""
        ...

    def of_call(self, call: str) -> Mapping[str, Sequence[ReviewScore]]:
        """Return the scores of a call by request."""
        ...

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        call: str | None = None,
        request: str | None = None,
    ) -> Page[ReviewScore]:
        """List visible scores; what is reached only once published waits for the round."""
        ...


class Documents(Protocol):
    """Large JSON texts by digest: snapshots, policies, plans, certificates."""

    def put(self, digest: str, text: str) -> None:
        """Keep a text under its digest; keeping it again changes nothing."""
        ...

    def text(self, digest: str) -> str:
        """Return the text; refuses with `NotFound`."""
        ...


class Rounds(Protocol):
    """Rounds by id."""

    def find(self, id_: str) -> Round | None:
        """Return the round, whoever asks."""
        ...

    def get(self, scope: Scope, id_: str) -> Round:
        """Return the round, if visible."""
        ...

    def add(self, round_: Round) -> None:
        """Keep a new round."""
        ...

    def save(self, round_: Round) -> None:
        """Keep the next version."""
        ...

    def of_call(self, call: str) -> Sequence[Round]:
        """Return the rounds of a call, oldest first, whoever asks."""
        ...

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        call: str | None = None,
        state: RoundState | None = None,
    ) -> Page[Round]:
        """List visible rounds."""
        ...


class Scenarios(Protocol):
    """Scenarios by id, with their explanations."""

    def find(self, id_: str) -> Scenario | None:
        """Return the scenario, whoever asks."""
        ...

    def get(self, scope: Scope, id_: str) -> Scenario:
        """Return the scenario, if visible."""
        ...

    def add(self, scenario: Scenario, explanations: Mapping[str, Mapping[str, Json]]) -> None:
        """Keep a scenario and what it says about each request, by label."""
        ...

    def explanation(self, scenario: str, label: str) -> Mapping[str, Json] | None:
        """Return what a scenario says about a request."""
        ...

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, round_: str | None = None
    ) -> Page[Scenario]:
        """List visible scenarios."""
        ...


class Decisions(Protocol):
    """Signed steps of rounds; never changed."""

    def add(self, decision: Decision) -> None:
        """Keep a decision."""
        ...

    def of(self, round_: str) -> Sequence[Decision]:
        """Return the decisions of a round, oldest first."""
        ...


class Awards(Protocol):
    """Awards by id."""

    def get(self, scope: Scope, id_: str) -> Award:
        """Return the award, if visible."""
        ...

    def of_request(self, request: str) -> Award | None:
        """Return the award of a request, whoever asks."""
        ...

    def add(self, awards: Iterable[Award]) -> None:
        """Keep new awards."""
        ...

    def save(self, award: Award) -> None:
        """Keep the next version."""
        ...

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, where: AwardFilter = ALL_AWARDS
    ) -> Page[Award]:
        """List visible awards."""
        ...


class Reserve(Protocol):
    """The reserve lists."""

    def add(self, entries: Iterable[ReserveEntry]) -> None:
        """Keep the list of a round."""
        ...

    def of(self, scope: Scope, round_: str) -> Sequence[ReserveEntry]:
        """Return the visible entries of a round's list, by rank."""
        ...


class Events(Protocol):
    """The append-only, hash-chained log."""

    def append(self, happening: Happening, *, actor: str, at: datetime, id_: str) -> Event:
        """Add one event at the end of the chain."""
        ...

    def of(self, subject: str) -> Sequence[Event]:
        """Return the events of a subject, oldest first."""
        ...

    def list(
        self, after: int = 0, limit: int = DEFAULT_LIMIT, *, kind: str | None = None
    ) -> Sequence[Event]:
        """Return events later than a position, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What the first call with an idempotency key was answered.

    Attributes:
        fingerprint: SHA-256 of the canonical body of that call.
    """

    principal: str
    operation: str
    key: str
    fingerprint: str
    status: int
    headers: Mapping[str, str]
    body: str
    at: datetime


class Idempotency(Protocol):
    """Answers by principal, operation and key."""

    def find(self, principal: str, operation: str, key: str) -> KeptAnswer | None:
        """Return the kept answer."""
        ...

    def keep(self, answer: KeptAnswer) -> None:
        """Keep an answer, in the transaction of its effect."""
        ...


class Jobs(Protocol):
    """Jobs by id, and what they have told."""

    def get(self, id_: str) -> Job:
        """Return the job; refuses with `NotFound`."""
        ...

    def add(self, job: Job) -> None:
        """Keep a new job."""
        ...

    def save(self, job: Job) -> None:
        """Keep the next version."""
        ...

    def live(self, kind: str, identity: str) -> Job | None:
        """Return the live job of this kind and identity."""
        ...

    def next(self, now: datetime, kinds: Sequence[str]) -> Job | None:
        """Return the oldest job that waits or whose worker fell silent, locked for a claim."""
        ...

    def any(self, now: datetime, kinds: Sequence[str]) -> bool:
        """Return whether `next` would find one; a read that locks nothing."""
        ...

    def list(
        self,
        slice_: Slice = FIRST,
        *,
        subject: str | None = None,
        kind: str | None = None,
        state: JobState | None = None,
    ) -> Page[Job]:
        """List jobs."""
        ...

    def counts(self) -> Mapping[tuple[str, JobState], int]:
        """Return how many jobs of each kind are in each state."""
        ...

    def tell(self, lines: Sequence[Progress]) -> None:
        """Keep lines of progress."""
        ...

    def told(self, id_: str) -> int:
        """Return the position of the last line of progress, 0 before the first."""
        ...

    def progress(self, id_: str, after: int = 0, limit: int = LARGEST_LIMIT) -> Sequence[Progress]:
        """Return lines of progress later than a position, oldest first."""
        ...


class Transaction(Protocol):
    """All repositories over one connection."""

    @property
    def institutes(self) -> Institutes:
        """Institutes."""
        ...

    @property
    def groups(self) -> Groups:
        """Groups."""
        ...

    @property
    def people(self) -> People:
        """People."""
        ...

    @property
    def role_grants(self) -> RoleGrants:
        """Role grants."""
        ...

    @property
    def tokens(self) -> Tokens:
        """Tokens."""
        ...

    @property
    def pools(self) -> Pools:
        """Pools."""
        ...

    @property
    def capacity_changes(self) -> CapacityChanges:
        """Capacity changes."""
        ...

    @property
    def policies(self) -> Policies:
        """Policies."""
        ...

    @property
    def calls(self) -> Calls:
        """Calls."""
        ...

    @property
    def requests(self) -> Requests:
        """Requests, submissions, endorsements."""
        ...

    @property
    def scores(self) -> Scores:
        """Review scores."""
        ...

    @property
    def documents(self) -> Documents:
        """Large JSON texts."""
        ...

    @property
    def rounds(self) -> Rounds:
        """Rounds."""
        ...

    @property
    def scenarios(self) -> Scenarios:
        """Scenarios."""
        ...

    @property
    def decisions(self) -> Decisions:
        """Decisions."""
        ...

    @property
    def awards(self) -> Awards:
        """Awards."""
        ...

    @property
    def reserve(self) -> Reserve:
        """Reserve lists."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Jobs and their progress."""
        ...

    @property
    def events(self) -> Events:
        """The log."""
        ...

    @property
    def idempotency(self) -> Idempotency:
        """Kept answers."""
        ...


class Store(Protocol):
    """Where the center lives."""

    def write(self, command: Callable[[Transaction], T]) -> T:
        """Run a command in the writer and return its answer after the commit."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """Open a read snapshot."""
        ...
