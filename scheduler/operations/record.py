"""Put what a transition tells into the log, and tell whom it concerns."""

from scheduler.domain.events import Event, Happening
from scheduler.operations.notifications import enter_notifications
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction


def record(tx: Transaction, act: Act, told: Happening) -> Event:
    """Append one happening in the name of who acts, and return the event."""
    event = tx.events.append(told, actor=act.person, at=act.now, id_=act.new("evt"))
    enter_notifications(tx, act, event)
    return event
