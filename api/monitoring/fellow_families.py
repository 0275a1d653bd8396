"""What fellows hold and used, as metric families under pseudonyms."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import Metric

from api.monitoring.families import counter, gauge
from api.monitoring.readings import NONE, BooksReading, HoldingReading

LABELS: Final = ("round", "fellow", "gpu_type")
PSEUDONYM_BYTES: Final = 8
"""2^64 names: among a thousand fellows two meet with a chance of 3 in 10^14."""


def pseudonym(secret: bytes, round_: str, fellow: str) -> str:
    """Return the name of a fellow within a round: only who has the secret can tell who it is.

    It is another in every round, so that nobody is followed from round to round.

    Args:
        secret: of the center.
        round_: id of the round.
        fellow: id of the person.
    """
    told = f"dure-fellow-metrics\x00{round_}\x00{fellow}".encode()
    return hmac.new(secret, told, hashlib.sha256).digest()[:PSEUDONYM_BYTES].hex()


def fellow_families(books: BooksReading, secret: bytes) -> Iterator[Metric]:
    """Yield what each fellow holds and used; use outside any award is nobody's here.

    Args:
        books: a reading.
        secret: of the center.
    """

    def added(amount: Callable[[HoldingReading], int]) -> dict[tuple[str, str, str], float]:
        sums: Counter[tuple[str, str, str]] = Counter()
        for each in books.holdings:
            if each.round != NONE:
                name = pseudonym(secret, each.round, each.fellow)
                sums[each.round, name, each.gpu_type] += amount(each)
        return {row: float(value) for row, value in sums.items()}

    yield gauge(
        "dure_fellow_award_gpu_seconds",
        "GPU time that a fellow's awards hold, were offered, used or let lapse.",
        LABELS,
        added(lambda each: each.given),
    )
    yield counter(
        "dure_fellow_usage_gpu_seconds",
        "GPU time of a fellow's awards that was entered as used.",
        LABELS,
        added(lambda each: each.used),
    )
    yield counter(
        "dure_fellow_usage_refunded_gpu_seconds",
        "GPU time of a fellow's entered use that corrections took off again.",
        LABELS,
        added(lambda each: each.refunded),
    )
