"""What the ledger and the feeds say, as metric families."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Final

from prometheus_client.core import Metric

from api.monitoring.families import counter, gauge
from api.monitoring.readings import ENDS, NONE, PLACE, BooksReading, HoldingReading, Readings
from scheduler.domain.rounds import RoundState

EXPIRING: Final = timedelta(days=30)
"""Unused hours of rounds that end within this time are told as expiring."""
OWNER: Final = ("round", *PLACE, "gpu_type")


def ledger_families(books: BooksReading) -> Iterator[Metric]:
    """Yield what the ledger adds up to, derived from its transfers."""
    yield gauge(
        "dure_ledger_gpu_seconds",
        "GPU time that the accounts of a kind hold; the kinds of a GPU type add up to 0.",
        ("gpu_type", "account"),
        {
            (each.gpu_type, str(kind)): float(amount)
            for each in books.ledger
            for kind, amount in each.balances.items()
        },
    )
    yield gauge(
        "dure_ledger_pending_gpu_seconds",
        "GPU time set aside by offers that wait for an answer.",
        ("gpu_type",),
        {(each.gpu_type,): float(each.pending) for each in books.ledger},
    )
    yield gauge(
        "dure_ledger_wrong_accounts",
        "Accounts that do not hold what their transfers make; always 0.",
        ("gpu_type",),
        {(each.gpu_type,): float(each.wrong) for each in books.ledger},
    )
    yield gauge(
        "dure_ledger_derived_timestamp_seconds",
        "When all sums were last derived from the first transfer on.",
        (),
        {(): books.derived_at.timestamp()},
    )


def award_families(readings: Readings) -> Iterator[Metric]:
    """Yield what awards hold, used and lost, in GPU-seconds of the ledger."""
    holdings = readings.books.holdings
    of_awards = [each for each in holdings if each.round != NONE]
    soon = _ending(readings)
    yield gauge(
        "dure_award_gpu_seconds",
        "GPU time that awards hold, were offered, used or let lapse.",
        OWNER,
        added(of_awards, lambda each: each.given),
    )
    yield counter(
        "dure_usage_gpu_seconds",
        "GPU time that was entered as used, of awards and outside any.",
        OWNER,
        added(holdings, lambda each: each.used),
    )
    yield counter(
        "dure_usage_refunded_gpu_seconds",
        "GPU time of entered use that corrections took off again.",
        OWNER,
        added(holdings, lambda each: each.refunded),
    )
    yield gauge(
        "dure_award_overspent_gpu_seconds",
        "GPU time used beyond what the awards held.",
        OWNER,
        added(of_awards, lambda each: each.overspent),
    )
    yield gauge(
        "dure_award_expiring_gpu_seconds",
        "Unused GPU time of awards whose round ends within 30 days.",
        OWNER,
        added(of_awards, lambda each: each.unused * (each.round in soon)),
    )
    yield counter(
        "dure_reclaim_gpu_seconds",
        "GPU time that awards lost: reclaimed by a rule, returned, or expired unused.",
        ("reason",),
        {(str(code),): float(amount) for code, amount in readings.books.given_up.items()},
    )


def added(
    holdings: Iterable[HoldingReading], amount: Callable[[HoldingReading], int]
) -> dict[tuple[str, str, str, str], float]:
    """Return an amount of all holdings by round, institute, group and GPU type."""
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for each in holdings:
        sums[each.round, *each.place, each.gpu_type] += amount(each)
    return {row: float(value) for row, value in sums.items()}


def _ending(readings: Readings) -> frozenset[str]:
    """Return the rounds that end soon."""
    end = readings.at + EXPIRING
    return frozenset(
        each.round
        for each in readings.rounds
        if each.state is not RoundState.CLOSED and each.deadlines.get(ENDS, end) < end
    )
