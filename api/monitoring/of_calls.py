"""What calls have drawn."""

from collections import Counter
from typing import Final

from api.monitoring.demand import SECONDS_PER_MILLIHOUR
from api.monitoring.places import Directory
from api.monitoring.readings import CallReading, Place
from scheduler.domain.calls import Call
from scheduler.domain.requests import RequestState
from scheduler.ports.store import Transaction

SUBMITTED: Final = tuple(state for state in RequestState if state is not RequestState.DRAFT)


def call_reading(tx: Transaction, call: Call, round_: str, directory: Directory) -> CallReading:
    """Return what a call has drawn.

    Args:
        tx: a snapshot of the store.
        call: which.
        round_: the latest of the call, for who joins the two.
        directory: where fellows belong.
    """
    pairs = tx.requests.latest(call.id, SUBMITTED)
    places = directory.places(request.fellow for request, _ in pairs)
    asked: Counter[tuple[Place, str]] = Counter()
    for request, submission in pairs:
        asked[places[request.fellow], request.state] += submission.ask.gpu_hours or 0
    return CallReading(
        call=call.id,
        round=round_,
        requests={str(state): count for state, count in tx.requests.counts(call.id).items()},
        asked_gpu_seconds={key: milli * SECONDS_PER_MILLIHOUR for key, milli in asked.items()},
    )
