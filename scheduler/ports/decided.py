"""What is decided: documents, rounds, scenarios, decisions, awards, the reserve list."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from scheduler.domain.access import Scope
from scheduler.domain.awards import Award, ReserveEntry
from scheduler.domain.changes import AwardChange
from scheduler.domain.events import Json
from scheduler.domain.rounds import Decision, Round, RoundState
from scheduler.domain.scenarios import Scenario
from scheduler.ports.paging import ALL_AWARDS, FIRST, AwardFilter, Page, Slice


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

    def add_changes(self, changes: Iterable[AwardChange]) -> None:
        """Keep what awards got or lost, for good."""
        ...

    def changes(self, awards: Iterable[str]) -> Sequence[AwardChange]:
        """Return what some awards got and lost, oldest first, whoever asks."""
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
