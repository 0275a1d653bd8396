"""Requests with their submissions and endorsements, and review scores, in SQL."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, and_, func, select

from scheduler.domain.access import Scope
from scheduler.domain.requests import Endorsement, Request, RequestState, Submission
from scheduler.domain.reviews import ReviewScore
from scheduler.ports.paging import ALL_REQUESTS, FIRST, Page, RequestFilter, Slice
from scheduler.storage import tables
from scheduler.storage.rows import Rows, equal
from scheduler.storage.visibility import named_requests, visible_requests, visible_scores


class SqlRequests:
    """Requests over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows = Rows(connection, tables.requests, Request, "request")
        self._submissions = Rows(connection, tables.submissions, Submission, "submission")
        self._endorsements = Rows(connection, tables.endorsements, Endorsement, "endorsement")

    def find(self, id_: str) -> Request | None:
        """Return the request, whoever asks."""
        return self._rows.with_id(id_)

    def get(self, scope: Scope, id_: str) -> Request:
        """Return the request, if visible."""
        return self._rows.get(id_, visible_requests(scope))

    def add(self, request: Request) -> None:
        """Keep a new request."""
        self._rows.insert([request])

    def save(self, request: Request) -> None:
        """Keep the next version."""
        self._rows.update(request)

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, where: RequestFilter = ALL_REQUESTS
    ) -> Page[Request]:
        """List visible requests."""
        table, people = tables.requests, tables.people
        of_group = select(people.c.id).where(people.c.group == where.group)
        by_name = where.fellow is not None or where.group is not None
        return self._rows.page(
            slice_,
            visible_requests(scope),
            named_requests(scope) if by_name else None,
            equal(table.c.call, where.call),
            equal(table.c.state, where.state),
            equal(table.c.fellow, where.fellow),
            None if where.group is None else table.c.fellow.in_(of_group),
        )

    def of_fellow(self, call: str, fellow: str) -> Sequence[Request]:
        """Return every request of a fellow in a call."""
        table = tables.requests
        return self._rows.all(table.c.call == call, table.c.fellow == fellow)

    def labelled(self, call: str) -> Mapping[str, Request]:
        """Return the requests of a call by label."""
        found = self._rows.all(tables.requests.c.call == call)
        return {request.label: request for request in found}

    def counts(self, call: str) -> Mapping[RequestState, int]:
        """Return how many requests of a call are in each state."""
        table = tables.requests
        query = select(table.c.state, func.count()).where(table.c.call == call)
        found = self._connection.execute(query.group_by(table.c.state))
        return {state: count for state, count in found}  # noqa: C416 - a row is no plain pair

    def add_all(self, pairs: Iterable[tuple[Request, Submission]]) -> None:
        """Keep many new requests, each with its only submission."""
        kept = list(pairs)
        self._rows.insert(request for request, _ in kept)
        self._submissions.insert(submission for _, submission in kept)

    def save_all(self, requests: Iterable[Request]) -> None:
        """Keep the next versions of many."""
        for request in requests:
            self._rows.update(request)

    def add_submission(self, submission: Submission) -> None:
        """Keep a submission for good."""
        self._submissions.insert([submission])

    def submission(self, request: str, number: int) -> Submission | None:
        """Return one submission."""
        table = tables.submissions
        return self._submissions.find(table.c.request == request, table.c.number == number)

    def submissions(self, request: str) -> Sequence[Submission]:
        """Return the submissions of a request, oldest first."""
        table = tables.submissions
        return self._submissions.all(table.c.request == request, by=table.c.number)

    def latest(
        self, call: str, states: Iterable[RequestState]
    ) -> Sequence[tuple[Request, Submission]]:
        """Return requests of a call in these states, each with its latest submission, by id."""
        requests, submissions = tables.requests, tables.submissions
        latest = and_(
            submissions.c.request == requests.c.id,
            submissions.c.number == requests.c.submitted,
        )
        query = (
            select(requests, submissions)
            .join_from(requests, submissions, latest)
            .where(requests.c.call == call, requests.c.state.in_(set(states)))
            .order_by(requests.c.id)
        )
        width = len(requests.columns)
        return [
            (self._rows.value(row[:width]), self._submissions.value(row[width:]))
            for row in self._connection.execute(query)
        ]

    def add_endorsement(self, endorsement: Endorsement) -> None:
        """Keep an endorsement."""
        self._endorsements.insert([endorsement])

    def endorsements(self, request: str) -> Sequence[Endorsement]:
        """Return the endorsements of a request, oldest first."""
        return self._endorsements.all(tables.endorsements.c.request == request)


class SqlScores:
    """Review scores over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows = Rows(connection, tables.scores, ReviewScore, "score")

    def put(self, scores: Iterable[ReviewScore]) -> None:
        """Keep scores in place of the same reviewers' earlier ones."""
        table = tables.scores
        new = []
        for score in scores:
            query = select(table.c.id).where(
                table.c.request == score.request, table.c.reviewer == score.reviewer
            )
            earlier = self._connection.execute(query).scalar_one_or_none()
            if earlier is None:
                new.append(score)
            else:
                self._rows.update(replace(score, id=earlier))
        self._rows.insert(new)

    def of_request(self, request: str) -> Sequence[ReviewScore]:
        """Return the scores of a request, by reviewer."""
        table = tables.scores
        return self._rows.all(table.c.request == request, by=table.c.reviewer)

    def of_call(self, call: str) -> Mapping[str, Sequence[ReviewScore]]:
        """Return the scores of a call by request."""
        of_call = select(tables.requests.c.id).where(tables.requests.c.call == call)
        found: dict[str, list[ReviewScore]] = defaultdict(list)
        for score in self._rows.all(tables.scores.c.request.in_(of_call)):
            found[score.request].append(score)
        return found

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        call: str | None = None,
        request: str | None = None,
    ) -> Page[ReviewScore]:
        """List visible scores; what is reached only once published waits for the round."""
        table, requests = tables.scores, tables.requests
        of_call = select(requests.c.id).where(requests.c.call == call)
        return self._rows.page(
            slice_,
            visible_scores(scope),
            equal(table.c.request, request),
            None if call is None else table.c.request.in_(of_call),
        )
