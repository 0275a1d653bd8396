"""Deliveries, contacts and watches in SQL."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, exists, func, insert, select, update

from scheduler.domain.deliveries import Channel, Contact, Delivery, DeliveryState
from scheduler.domain.notifications import Notification
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.storage.rows import Rows, equal
from scheduler.storage.tables import delivery as tables
from scheduler.storage.tables import notifications


class SqlDeliveries:
    """Deliveries over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows = Rows(connection, tables.deliveries, Delivery, "delivery")
        self._notifications = Rows(connection, notifications, Notification, "notification")

    def add(self, delivery: Delivery, notifications: Iterable[str] = ()) -> None:
        """Keep a new delivery, and which notifications it tells."""
        self._rows.insert([delivery])
        rows = [{"notification": each, "delivery": delivery.id} for each in notifications]
        if rows:
            self._connection.execute(insert(tables.told), rows)

    def find(self, id_: str) -> Delivery | None:
        """Return the delivery, if there is one."""
        return self._rows.with_id(id_)

    def save(self, delivery: Delivery) -> None:
        """Keep the next version."""
        self._rows.update(delivery)

    def known(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those of some keys that a delivery has already."""
        column = tables.deliveries.c.key
        return frozenset(self._connection.scalars(select(column).where(column.in_(set(keys)))))

    def due(self, now: datetime, most: int) -> Sequence[Delivery]:
        """Return what is to be tried now, the longest due first."""
        table = tables.deliveries
        query = (
            select(table)
            .where(table.c.state == DeliveryState.WAITING, table.c.due_at <= now)
            .order_by(table.c.due_at, table.c.id)
            .limit(most)
        )
        return [self._rows.value(row) for row in self._connection.execute(query)]

    def list(self, slice_: Slice = FIRST, *, state: DeliveryState | None = None) -> Page[Delivery]:
        """List deliveries."""
        return self._rows.page(slice_, equal(tables.deliveries.c.state, state))

    def counts(self) -> dict[tuple[Channel, DeliveryState], int]:
        """Return how many there are."""
        table = tables.deliveries
        query = select(table.c.channel, table.c.state, func.count()).group_by(
            table.c.channel, table.c.state
        )
        return {
            (channel, state): number for channel, state, number in self._connection.execute(query)
        }

    def oldest(self) -> datetime | None:
        """Return when the oldest one that waits was made."""
        table = tables.deliveries
        query = select(func.min(table.c.made_at)).where(table.c.state == DeliveryState.WAITING)
        found: datetime | None = self._connection.execute(query).scalar_one()
        return found

    def untold(self, since: datetime) -> Sequence[Notification]:
        """Return notifications since an instant, unread and in no delivery, by id."""
        table = notifications
        told = exists().where(tables.told.c.notification == table.c.id)
        return self._notifications.all(table.c.at >= since, table.c.read_at.is_(None), ~told)

    def told_by(self, delivery: str) -> Sequence[Notification]:
        """Return the notifications that a delivery tells, by id."""
        told = select(tables.told.c.notification).where(tables.told.c.delivery == delivery)
        return self._notifications.all(notifications.c.id.in_(told))


class SqlContacts:
    """Contacts over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.contacts, Contact, "contact")

    def of(self, people: Iterable[str]) -> dict[str, Contact]:
        """Return what people have chosen, by person; nothing for who chose nothing."""
        found = self._rows.all(tables.contacts.c.id.in_(set(people)))
        return {each.id: each for each in found}

    def add(self, contact: Contact) -> None:
        """Keep a first choice."""
        self._rows.insert([contact])

    def save(self, contact: Contact) -> None:
        """Keep the next version."""
        self._rows.update(contact)


class SqlWatches:
    """Watches over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> dict[str, str]:
        """Return every state by name."""
        query = select(tables.watches.c.name, tables.watches.c.state)
        return {row.name: row.state for row in self._connection.execute(query)}

    def put(self, name: str, state: str) -> None:
        """Keep a state in place of the one before."""
        table = tables.watches
        changed = self._connection.execute(
            update(table).where(table.c.name == name).values(state=state)
        )
        if not changed.rowcount:
            self._connection.execute(insert(table).values(name=name, state=state))
