"""What does a scrape cost as the ledger grows? CPU time beside the fold of single transfers.

It fills a store with the use of 400 awards, scrapes it for the first time, then again after each of
ten imports, and checks the ledger by the fold. `DURE_SCRAPE_TRANSFERS` (default 10,000) is the
largest store; one of 100,000 takes many minutes to fill.
"""

import os
import statistics
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from api.monitoring.collector import KEEP_SECONDS
from api.monitoring.exposition import Metrics
from benchmarks.usage import BEGINS, FELLOWS, Ids, a_center, acting
from scheduler.domain.usage import Run
from scheduler.operations.ledger import check_ledger
from scheduler.operations.usage import import_usage
from scheduler.storage.store import open_store

MINUTE = timedelta(minutes=1)
STEPS = (1_000, 10_000, 100_000)


def an_import(number):
    """Return one run of every fellow: as many transfers as there are awards."""
    starts_at = BEGINS + number * MINUTE
    return [
        Run(
            cluster="duru",
            job=f"{number}-{fellow}",
            user=f"fellow{fellow:03d}",
            gpu_type="H200",
            gpus=1,
            starts_at=starts_at,
            ends_at=starts_at + MINUTE,
        )
        for fellow in range(FELLOWS)
    ]


@contextmanager
def timed(seconds):
    """Append the CPU seconds of the block."""
    began = time.process_time()
    yield
    seconds.append(time.process_time() - began)


def measured(store, ids, transfers, begin):
    """Fill a store; return imports so far, and CPU seconds of first scrape, later ones, fold."""
    for number in range(begin, transfers // FELLOWS):
        store.write(lambda tx, n=number: import_usage(tx, acting(ids, BEGINS), an_import(n)))
    clock = [0.0]
    metrics = Metrics(
        store.read, version="0", secret=b"", now=lambda: BEGINS, seconds=lambda: clock[0]
    )
    first, later, fold = [], [], []
    with timed(first):
        metrics.center("")
    reached = transfers // FELLOWS
    for number in range(reached, reached + 10):
        store.write(lambda tx, n=number: import_usage(tx, acting(ids, BEGINS), an_import(n)))
        clock[0] += KEEP_SECONDS + 1
        with timed(later):
            metrics.center("")
    with timed(fold), store.read() as tx:
        assert all(each.holds for each in check_ledger(tx, acting(ids, BEGINS).permit))
    return reached + 10, first[0], statistics.median(later), fold[0]


def main():
    """Measure at every size and print a table."""
    largest = int(os.environ.get("DURE_SCRAPE_TRANSFERS", "10000"))
    print("### A scrape\n")
    print("| transfers | first scrape, CPU s | later scrape, CPU s | fold of transfers, CPU s |")
    print("|---|---|---|---|")
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(f"sqlite:///{Path(folder) / 'dure.db'}") as store,
    ):
        ids, begin = Ids(), 0
        store.write(lambda tx: a_center(tx, ids))
        for transfers in STEPS:
            if transfers <= largest:
                begin, first, later, fold = measured(store, ids, transfers, begin)
                print(f"| {transfers:,} | {first:.3f} | {later:.3f} | {fold:.3f} |", flush=True)
