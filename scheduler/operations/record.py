"""Put what a transition tells into the log."""

from scheduler.domain.events import Event, Happening
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction


def record(tx: Transaction, act: Act, told: Happening) -> Event:
    """Append one happening in the name of who acts, and return the event."""
    return tx.events.append(told, actor=act.person, at=act.now, id_=act.new("evt"))
