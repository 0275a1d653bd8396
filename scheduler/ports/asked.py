"""What is asked: calls, requests, scores."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from scheduler.domain.access import Scope
from scheduler.domain.calls import Call, CallState
from scheduler.domain.requests import Endorsement, Request, RequestState, Submission
from scheduler.domain.reviews import ReviewScore
from scheduler.ports.paging import ALL_REQUESTS, FIRST, Page, RequestFilter, Slice


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
