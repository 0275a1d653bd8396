"""Values as rows of one table: insert, guarded update, find, list by keyset."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    insert,
    select,
    update,
)

from scheduler.domain.errors import NotFound, VersionMismatch
from scheduler.ports.paging import FIRST, LARGEST_LIMIT, Page, Slice

T = TypeVar("T")
BOUND: Final = "_"
"""Begins the names of parameters that are compared, apart from those that are kept."""


class Rows(Generic[T]):
    """The rows of a table as values of a frozen class.

    The key of every column is the name of a field of the class, and every field has a column.

    Args:
        connection: whose transaction everything happens in.
        table: where the values are kept.
        made: the class of the values.
        kind: what refusals call a value.
    """

    def __init__(self, connection: Connection, table: Table, made: type[T], kind: str) -> None:
        self.connection = connection
        self.table = table
        self.made = made
        self.kind = kind
        self.keys = tuple(column.key for column in table.columns)

    def insert(self, values: Iterable[T]) -> None:
        """Keep new values."""
        rows = [self.row(value) for value in values]
        if rows:
            self.connection.execute(_inserting(self.table), rows)

    def update(self, value: T) -> None:
        """Keep a changed value; where there are versions, only over the one before.

        Raises:
            VersionMismatch: If the stored version is not the one before.
        """
        row = self.row(value)
        bound = {f"{BOUND}{column.key}": row[column.key] for column in self.table.primary_key}
        if "version" in self.keys:
            bound[f"{BOUND}version"] = row["version"] - 1
        result = self.connection.execute(_updating(self.table), row | bound)
        if result.rowcount != 1:
            identity = [column == row[column.key] for column in self.table.primary_key]
            raise VersionMismatch(
                kind=self.kind,
                id="/".join(str(row[column.key]) for column in self.table.primary_key),
                expected=row.get("version", 1) - 1,
                current=self._stored_version(and_(*identity)),
            )

    def with_id(self, id_: str) -> T | None:
        """Return the value with this id, or nothing."""
        found = self.connection.execute(_with_id(self.table), {f"{BOUND}id": id_})
        row = found.one_or_none()
        return None if row is None else self.value(row)

    def find(self, *where: ColumnElement[bool]) -> T | None:
        """Return the only value of which all is true, or nothing."""
        row = self.connection.execute(select(self.table).where(*where)).one_or_none()
        return None if row is None else self.value(row)

    def get(self, id_: str, visible: ColumnElement[bool]) -> T:
        """Return the value with this id, if visible.

        Raises:
            NotFound: If there is none, or it is not visible; nobody can tell which.
        """
        found = self.find(self.table.c.id == id_, visible)
        if found is None:
            raise NotFound(kind=self.kind, id=id_)
        return found

    def all(self, *where: ColumnElement[bool], by: ColumnElement[Any] | None = None) -> list[T]:
        """Return all values of which all is true, in order of id or of a column."""
        order = self.table.c.id if by is None else by
        rows = self.connection.execute(select(self.table).where(*where).order_by(order))
        return [self.value(row) for row in rows]

    def page(self, slice_: Slice = FIRST, *where: ColumnElement[bool] | None) -> Page[T]:
        """Return a part of the list of which all that is stated is true, in order of id."""
        limit = min(max(slice_.limit, 1), LARGEST_LIMIT)
        conditions = [condition for condition in where if condition is not None]
        if slice_.cursor is not None:
            conditions.append(self.table.c.id > slice_.cursor)
        query = select(self.table).where(*conditions).order_by(self.table.c.id).limit(limit + 1)
        rows = self.connection.execute(query).all()
        items = tuple(self.value(row) for row in rows[:limit])
        last = (
            dict(zip(self.keys, rows[limit - 1], strict=True))["id"] if len(rows) > limit else None
        )
        return Page(items, last)

    def row(self, value: T) -> dict[str, Any]:
        """Return a value as a row."""
        return {key: getattr(value, key) for key in self.keys}

    def value(self, row: Iterable[Any]) -> T:
        """Return a row as a value."""
        return self.made(**dict(zip(self.keys, row, strict=True)))

    def _stored_version(self, identity: ColumnElement[bool]) -> int | None:
        if "version" not in self.keys:
            return None
        version: int | None = self.connection.execute(
            select(self.table.c.version).where(identity)
        ).scalar_one_or_none()
        return version


@cache
def _inserting(table: Table) -> Insert:
    """Return the statement that keeps a row; made once, for that costs more than to run it."""
    return insert(table)


@cache
def _updating(table: Table) -> Update:
    """Return the statement that keeps a row over the one before."""
    guards = [*table.primary_key, *(column for column in table.columns if column.key == "version")]
    return update(table).where(*(column == bindparam(f"{BOUND}{column.key}") for column in guards))


@cache
def _with_id(table: Table) -> Select[Any]:
    """Return the question for the row of an id."""
    return select(table).where(table.c.id == bindparam(f"{BOUND}id"))


def equal(column: ColumnElement[Any], value: object | None) -> ColumnElement[bool] | None:
    """Return the filter on a column, or nothing when nothing is asked."""
    return None if value is None else column == value
