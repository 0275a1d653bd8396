"""What a reallocation decides on: what is held, who is in line, and the supply still to come."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from scheduler.document import Document, parse_document
from scheduler.domain.access import EVERYTHING
from scheduler.domain.amounts import MILLI, number, thousandths
from scheduler.domain.awards import Award, Cell
from scheduler.domain.calls import Call
from scheduler.domain.directory import Group, Person
from scheduler.domain.moves import Stay
from scheduler.domain.pools import Calendar
from scheduler.domain.requests import AskShape, Request, RequestState, Submission
from scheduler.domain.rounds import Round
from scheduler.operations.holdings import awards_of_call
from scheduler.operations.snapshots import call_snapshot
from scheduler.operations.stays import Stays
from scheduler.operations.supplying import Coming, purses
from scheduler.policy import Policy, Shares, read_policy
from scheduler.ports.store import Transaction
from solver.problem import Unit

PARTS = 10**6
"""Parts of the supply are counted in millionths."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=False, kw_only=True)
class Continuation:
    """A published round as it stands in mid-round.

    Attributes:
        round: the one that goes on; its `since` is the first slot that is not past.
        before: the one that it continues.
    """

    tx: Transaction
    round: Round
    before: Round
    call: Call
    now: datetime

    @cached_property
    def awards(self) -> tuple[Award, ...]:
        """Every award of the call."""
        return awards_of_call(self.tx, self.call.id)

    @cached_property
    def held(self) -> Mapping[str, tuple[Cell, ...]]:
        """Cells from the first slot on that live awards hold, by request."""
        since = self.round.since
        found = {
            award.request: tuple(cell for cell in award.cells if cell.slot >= since)
            for award in self.awards
            if award.is_live
        }
        return {request: cells for request, cells in found.items() if cells}

    @cached_property
    def line(self) -> tuple[str, ...]:
        """Requests next in line, by rank."""
        return tuple(each.request for each in self.tx.reserve.of(EVERYTHING, self.before.id))

    @cached_property
    def pairs(self) -> tuple[tuple[Request, Submission], ...]:
        """Requests that hold hours or are in line, with what was submitted."""
        states = (RequestState.AWARDED, RequestState.RESERVE)
        pairs = self.tx.requests.latest(self.call.id, states)
        holders = {award.request: award.fellow for award in self.awards if award.is_live}
        asking = {request.fellow for request, _ in pairs}
        stay = {each.id for each in self.tx.people.of(asking) if each.is_fellow}
        return tuple(
            # What was handed over counts for who holds it now.
            (replace(request, fellow=holders.get(request.id, request.fellow)), submission)
            for request, submission in pairs
            if request.id in self.held
            or (
                request.state is RequestState.RESERVE
                and request.id in self.line
                and request.fellow in stay
            )
        )

    @cached_property
    def submissions(self) -> Mapping[str, Submission]:
        """What was submitted last of every request of the call."""
        pairs = self.tx.requests.latest(self.call.id, RequestState)
        return {request.id: submission for request, submission in pairs}

    @cached_property
    def _stays(self) -> Stays:
        return Stays(self.tx)

    @cached_property
    def _people(self) -> Mapping[str, Person]:
        return {each.id: each for each in self.tx.people.of({a.fellow for a in self.awards})}

    def stay(self, award: Award, slot: int) -> Stay:
        """Return where an award belonged in a slot; where it belongs now, if that is to come."""
        span = self.call.terms.calendar.slot(slot) if slot < self.round.since else None
        return self._stays.at(award, self.now if span is None else span[0])

    def institute(self, stay: Stay) -> str | None:
        """Return the institute of a stay: the fellow's own, or else the group's."""
        person = self._people.get(stay.fellow)
        if person is not None and person.group == stay.group and person.institute is not None:
            return person.institute
        return self._groups[stay.group].institute

    @cached_property
    def _groups(self) -> Mapping[str, Group]:
        names = {each.group for award in self.awards for each in self._stays.of(award)}
        return {each.id: each for each in self.tx.groups.of(names)}

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """What the snapshot calls each request that takes part."""
        return {
            request.id: request.label
            for request, submission in self.pairs
            if request.id in self.held or _fits_calendar(submission, self.round.since)
        }

    @cached_property
    def policy(self) -> Policy:
        """The policy that decided before; its caps stay what they were."""
        assert self.before.scenario is not None, "what is published was selected"
        scenario = self.tx.scenarios.get(EVERYTHING, self.before.scenario)
        return read_policy(parse_document(self.tx.documents.text(scenario.policy_digest).encode()))

    def snapshot(self) -> Document:
        """Return the `dure-round/1` document: `previous` is what is held and who is in line."""
        document = call_snapshot(self.tx, self.round, self.call, self.pairs)
        asked = {request.label: (request, submission) for request, submission in self.pairs}
        rows = {row["id"]: row for row in document["requests"]}
        caps = _Caps(self, document)
        return {
            **document,
            "groups": [caps.group(row) for row in document["groups"]],
            "fellows": [caps.fellow(row) for row in document["fellows"]],
            "institutes": caps.institutes(),
            "tracks": [caps.track(row) for row in document["tracks"]],
            "pools": self._pools(document["pools"]),
            "requests": [
                self._holding(row, *asked[label])
                if asked[label][0].id in self.held
                else self._waiting(row, asked[label][1])
                for label, row in rows.items()
                if asked[label][0].id in self.labels
            ],
            "previous": self._previous(),
        }

    def _previous(self) -> Document:
        reserve = [self.labels[each] for each in self.line if each in self.labels]
        return {
            "awards": [
                {
                    "request": self.labels[request],
                    "cells": sorted([cell.pool, cell.slot, cell.gpu_hours] for cell in cells),
                }
                for request, cells in sorted(self.held.items())
            ],
            "reserve": [
                {"request": label, "rank": rank} for rank, label in enumerate(reserve, start=1)
            ],
        }

    def _pools(self, rows: Iterable[Document]) -> list[Document]:
        """Return the pools with the supply that is to come and not promised without a place."""
        rows = list(rows)
        coming = {row["id"]: self._coming(row) for row in rows}
        held = Counter[tuple[int, str]]()
        for cells in self.held.values():
            for cell in cells:
                held[cell.slot, cell.pool] += cell.gpu_hours * MILLI
        for gpu_type, purse in purses(self.tx, self.call).items():
            own = [row["id"] for row in rows if row["gpu_type"] == gpu_type]
            supply = {
                (slot, pool): hours for pool in own for slot, hours in enumerate(coming[pool])
            }
            left = Coming(supply=supply, held=held).given_at_most(purse.to_give)
            for (slot, pool), hours in left.items():
                coming[pool][slot] = hours
        return [
            {**row, "supply_gpu_hours": [number(hours) for hours in coming[row["id"]]]}
            for row in rows
        ]

    def _coming(self, row: Document) -> list[int]:
        """Return no supply of the past, and of the running slot what is to come, in thousandths."""
        since, calendar = self.round.since, self.call.terms.calendar
        supply = [thousandths(each, field="/pools") for each in row["supply_gpu_hours"]]
        held = sum(
            cell.gpu_hours
            for cells in self.held.values()
            for cell in cells
            if (cell.pool, cell.slot) == (row["id"], since)
        )
        free = max(supply[since] - held * MILLI, 0)
        passed, length = _passed(calendar, since, self.now)
        supply[since] -= free * passed // length
        return [0] * since + supply[since:]

    def _holding(self, row: Document, request: Request, submission: Submission) -> Document:
        """Return a request that must keep what its award holds."""
        cells, ask = self.held[request.id], submission.ask
        total = number(sum(cell.gpu_hours * ask.speeds.get(cell.pool, MILLI) for cell in cells))
        assert ask.window is not None, "a submission states its window"
        first, end = min(cell.slot for cell in cells), max(cell.slot for cell in cells) + 1
        wide = [min(max(ask.window[0], self.round.since), first), max(ask.window[1], end)]
        began = any(
            cell.slot < self.round.since
            for award in self.awards
            if award.request == request.id
            for cell in award.cells
        )
        steady = ask.shape is not AskShape.FLEXIBLE and _is_steady(
            cells, ask.gang_gpus, self.call.terms.calendar.slot_hours
        )
        shape: Document = {"shape": "flexible", "window": wide}
        if steady and (began or ask.shape is AskShape.CONSTANT):
            shape = {"shape": "constant", "window": [first, end]}
        elif steady and len({cell.pool for cell in cells}) == 1:
            shape = {"shape": "block", "block_slots": end - first, "window": wide}
        left_out = {"after", "vetoed", "block_slots"}
        kept = {key: value for key, value in row.items() if key not in left_out}
        if ask.after in self.held:
            kept["after"] = self.labels[str(ask.after)]
        track = self._track(request)
        if track is not None:
            kept["track"] = track
        one_pool = ask.single_pool and len({cell.pool for cell in cells}) == 1
        return {
            **kept,
            **shape,
            "gpu_hours": total,
            "minimum_gpu_hours": total,
            "single_pool": one_pool,
            "guaranteed": True,
        }

    def _track(self, request: Request) -> str | None:
        """Return the track that what a request holds counts in now, if the call has it."""
        award = next(each for each in self.awards if each.request == request.id and each.is_live)
        track = self.stay(award, self.round.since).track
        return None if self.call.terms.track(track) is None else track

    def _waiting(self, row: Document, submission: Submission) -> Document:
        """Return a request in line with what is left of its window."""
        ask = submission.ask
        assert ask.window is not None, "a submission states its window"
        kept = {key: value for key, value in row.items() if key not in {"after", "vetoed"}}
        kept["window"] = [max(ask.window[0], self.round.since), ask.window[1]]
        if ask.after in self.labels:
            kept["after"] = self.labels[str(ask.after)]
        elif ask.after is not None and not self._is_over(ask.after):
            kept["vetoed"] = True  # it waits for a request that nobody will fund any more
        return kept

    def _is_over(self, request: str) -> bool:
        """Return whether a request was funded and its award lies in the past."""
        return any(
            award.request == request and award.is_live and award.cells for award in self.awards
        )


class _Caps:
    """Caps less what past slots took; floors were a matter of the round that is going on."""

    def __init__(self, going: Continuation, document: Document) -> None:
        self.policy, self.since = going.policy, going.round.since
        self.charge = {
            row["id"]: thousandths(row["su_per_gpu_hour"], field="/pools")
            for row in document["pools"]
        }
        supply = {
            row["id"]: sum(thousandths(each, field="/pools") for each in row["supply_gpu_hours"])
            for row in document["pools"]
        }
        self.total = sum(hours * self.charge[pool] for pool, hours in supply.items()) // MILLI
        self.used: dict[tuple[str, str], Counter[bool]] = {}
        for award in going.awards:
            speeds = going.submissions[award.request].ask.speeds
            for cell in award.cells:
                stay = going.stay(award, cell.slot)
                owners = {
                    "fellow": stay.fellow,
                    "group": stay.group,
                    "institute": going.institute(stay),
                    "track": stay.track,
                }
                for kind, name in owners.items():
                    if name is not None:
                        used = self.used.setdefault((kind, name), Counter())
                        used[cell.slot >= self.since] += self._units(cell, speeds)

    def fellow(self, row: Document) -> Document:
        """Return a fellow with what is left of the own cap and of the policy's."""
        return self._lowered(row, "fellow", self.policy.fellow_cap_share)

    def group(self, row: Document) -> Document:
        """Return a group with what is left of its cap."""
        return self._lowered(row, "group", None)

    def institutes(self) -> list[Document]:
        """Return the institutes that the policy caps, with what is left."""
        capped = {
            name: share.cap
            for name, share in sorted(self.policy.institutes.items())
            if share.cap is not None
        }
        return [self._lowered({"id": name}, "institute", share) for name, share in capped.items()]

    def track(self, row: Document) -> Document:
        """Return a track with what is left of its cap and of the policy's."""
        return self._lowered(row, "track", self.policy.tracks.get(row["id"], Shares()).cap)

    def _units(self, cell: Cell, speeds: Mapping[str, int]) -> int:
        by_speed = self.policy.rules.unit is Unit.REFERENCE_HOURS
        each = speeds.get(cell.pool, MILLI) if by_speed else self.charge[cell.pool]
        return cell.gpu_hours * each

    def _lowered(self, row: Document, kind: str, share: int | None) -> Document:
        kept: dict[str, Any] = {key: row[key] for key in row if key not in _LIMITS}
        stated = row.get("cap_gpu_hours")
        caps = [] if stated is None else [thousandths(_decimal(stated), field="/cap_gpu_hours")]
        caps += [] if share is None else [self.total * share // PARTS]
        if caps:
            used = self.used.get((kind, row["id"]), Counter())
            kept["cap_gpu_hours"] = number(max(min(caps) - used[False], used[True]))
        return kept


_LIMITS = frozenset({"floor_gpu_hours", "cap_gpu_hours"})


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))


def _fits_calendar(submission: Submission, since: int) -> bool:
    """Return whether a request in line has slots to come, enough of them for its block."""
    ask = submission.ask
    assert ask.window is not None, "a submission states its window"
    left = ask.window[1] - max(ask.window[0], since)
    return left > 0 and (ask.shape is not AskShape.BLOCK or left >= (ask.block_slots or 1))


def _is_steady(cells: Iterable[Cell], gang: int, slot_hours: int) -> bool:
    """Return whether cells are the same whole gangs of GPUs over consecutive slots."""
    by_pool: dict[str, list[Cell]] = {}
    for cell in cells:
        by_pool.setdefault(cell.pool, []).append(cell)
    spans = set()
    for own in by_pool.values():
        slots = sorted(cell.slot for cell in own)
        hours = {cell.gpu_hours for cell in own}
        spans.add((slots[0], slots[-1] + 1))
        gpus, rest = divmod(min(hours) * MILLI, slot_hours)
        together = slots == list(range(slots[0], slots[-1] + 1)) and len(hours) == 1
        if not together or rest or gpus % gang:
            return False
    return len(spans) == 1


def _passed(calendar: Calendar, slot: int, now: datetime) -> tuple[int, int]:
    """Return how much of a slot has passed, of how much, in microseconds."""
    interval = calendar.slot(slot)
    if interval is None:
        return 0, 1
    begins, ends = interval
    length = (ends - begins) // _MICROSECOND
    return min(max((now - begins) // _MICROSECOND, 0), length), length
