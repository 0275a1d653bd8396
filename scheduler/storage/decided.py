"""Documents, rounds, scenarios, decisions, awards and reserve lists in SQL."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, exists, insert, select

from scheduler.domain.access import Scope
from scheduler.domain.awards import Award, ReserveEntry
from scheduler.domain.changes import AwardChange
from scheduler.domain.errors import NotFound
from scheduler.domain.events import Json
from scheduler.domain.rounds import Decision, Round, RoundState
from scheduler.domain.scenarios import Scenario
from scheduler.ports.paging import ALL_AWARDS, FIRST, AwardFilter, Page, Slice
from scheduler.storage import tables
from scheduler.storage.rows import Rows, equal
from scheduler.storage.visibility import (
    named_awards,
    visible_awards,
    visible_requests,
    visible_rounds,
    visible_scenarios,
)


class SqlDocuments:
    """Documents over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, digest: str, text: str) -> None:
        """Keep a text under its digest; keeping it again changes nothing."""
        table = tables.documents
        kept = select(exists().where(table.c.digest == digest))
        if not self._connection.execute(kept).scalar_one():
            self._connection.execute(insert(table).values(digest=digest, body=text))

    def text(self, digest: str) -> str:
        """Return the text; refuses with `NotFound`."""
        table = tables.documents
        query = select(table.c.body).where(table.c.digest == digest)
        body: str | None = self._connection.execute(query).scalar_one_or_none()
        if body is None:
            raise NotFound(kind="document", id=digest)
        return body


class SqlRounds:
    """Rounds over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.rounds, Round, "round")

    def find(self, id_: str) -> Round | None:
        """Return the round, whoever asks."""
        return self._rows.with_id(id_)

    def get(self, scope: Scope, id_: str) -> Round:
        """Return the round, if visible."""
        return self._rows.get(id_, visible_rounds(scope))

    def add(self, round_: Round) -> None:
        """Keep a new round."""
        self._rows.insert([round_])

    def save(self, round_: Round) -> None:
        """Keep the next version."""
        self._rows.update(round_)

    def of_call(self, call: str) -> Sequence[Round]:
        """Return the rounds of a call, oldest first, whoever asks."""
        return self._rows.all(tables.rounds.c.call == call)

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        call: str | None = None,
        state: RoundState | None = None,
    ) -> Page[Round]:
        """List visible rounds."""
        table = tables.rounds
        return self._rows.page(
            slice_,
            visible_rounds(scope),
            equal(table.c.call, call),
            equal(table.c.state, state),
        )


class SqlScenarios:
    """Scenarios over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows = Rows(connection, tables.scenarios, Scenario, "scenario")

    def find(self, id_: str) -> Scenario | None:
        """Return the scenario, whoever asks."""
        return self._rows.with_id(id_)

    def get(self, scope: Scope, id_: str) -> Scenario:
        """Return the scenario, if visible."""
        return self._rows.get(id_, visible_scenarios(scope))

    def add(self, scenario: Scenario, explanations: Mapping[str, Mapping[str, Json]]) -> None:
        """Keep a scenario and what it says about each request, by label."""
        self._rows.insert([scenario])
        rows = [
            {"scenario": scenario.id, "label": label, "body": body}
            for label, body in explanations.items()
        ]
        if rows:
            self._connection.execute(insert(tables.explanations), rows)

    def explanation(self, scenario: str, label: str) -> Mapping[str, Json] | None:
        """Return what a scenario says about a request."""
        table = tables.explanations
        query = select(table.c.body).where(table.c.scenario == scenario, table.c.label == label)
        body: Mapping[str, Json] | None = self._connection.execute(query).scalar_one_or_none()
        return body

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, round_: str | None = None
    ) -> Page[Scenario]:
        """List visible scenarios."""
        return self._rows.page(
            slice_, visible_scenarios(scope), equal(tables.scenarios.c.round, round_)
        )


class SqlDecisions:
    """Decisions over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.decisions, Decision, "decision")

    def add(self, decision: Decision) -> None:
        """Keep a decision."""
        self._rows.insert([decision])

    def of(self, round_: str) -> Sequence[Decision]:
        """Return the decisions of a round, oldest first."""
        table = tables.decisions
        return self._rows.all(table.c.round == round_, by=table.c.event)


class SqlAwards:
    """Awards over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.awards, Award, "award")
        self._changes = Rows(connection, tables.award_changes, AwardChange, "award change")

    def get(self, scope: Scope, id_: str) -> Award:
        """Return the award, if visible."""
        return self._rows.get(id_, visible_awards(scope))

    def of_request(self, request: str) -> Award | None:
        """Return the award of a request, whoever asks."""
        return self._rows.find(tables.awards.c.request == request)

    def add(self, awards: Iterable[Award]) -> None:
        """Keep new awards."""
        self._rows.insert(awards)

    def save(self, award: Award) -> None:
        """Keep the next version."""
        self._rows.update(award)

    def add_changes(self, changes: Iterable[AwardChange]) -> None:
        """Keep what awards got or lost, for good."""
        self._changes.insert(changes)

    def changes(self, awards: Iterable[str]) -> Sequence[AwardChange]:
        """Return what some awards got and lost, oldest first, whoever asks."""
        return self._changes.all(tables.award_changes.c.award.in_(list(awards)))

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, where: AwardFilter = ALL_AWARDS
    ) -> Page[Award]:
        """List visible awards."""
        table = tables.awards
        return self._rows.page(
            slice_,
            visible_awards(scope),
            None if where.fellow is None else named_awards(scope),
            equal(table.c.round, where.round),
            equal(table.c.state, where.state),
            equal(table.c.fellow, where.fellow),
        )


class SqlReserve:
    """Reserve lists over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.reserve, ReserveEntry, "reserve entry")

    def add(self, entries: Iterable[ReserveEntry]) -> None:
        """Keep the list of a round."""
        self._rows.insert(entries)

    def of(self, scope: Scope, round_: str) -> Sequence[ReserveEntry]:
        """Return the visible entries of a round's list, by rank."""
        table, requests = tables.reserve, tables.requests
        visible = select(requests.c.id).where(visible_requests(scope))
        return self._rows.all(
            table.c.round == round_, table.c.request.in_(visible), by=table.c.rank
        )
