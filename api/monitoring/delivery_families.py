"""What leaves the center by mail and webhook, as metric families."""

from collections.abc import Iterator
from datetime import datetime
from itertools import product

from prometheus_client.core import Metric

from api.monitoring.families import gauge
from api.monitoring.readings import DeliveryReading
from scheduler.domain.deliveries import Channel, DeliveryState


def delivery_families(found: DeliveryReading, now: datetime) -> Iterator[Metric]:
    """Yield how many deliveries there are, none too, and how long the oldest one waits."""
    yield gauge(
        "dure_deliveries",
        "Mails and calls of webhooks by how far they are.",
        ("channel", "state"),
        {each: float(found.counts.get(each, 0)) for each in product(Channel, DeliveryState)},
    )
    oldest = 0.0 if found.oldest is None else (now - found.oldest).total_seconds()
    yield gauge(
        "dure_delivery_oldest_seconds",
        "How long the oldest delivery waits; 0 when none does.",
        (),
        {(): oldest},
    )
