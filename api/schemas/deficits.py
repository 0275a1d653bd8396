"""What earlier rounds left owing to groups and fellows."""

from pydantic import Field

from api.schemas.common import Shown
from api.schemas.fields import Milli


class OwedOut(Shown):
    """What somebody was entitled to and got over all rounds, faded, and the difference."""

    id: str
    entitlement: Milli
    awarded: Milli
    deficit: float = Field(description="Below nothing for who got more than they were entitled to.")


class DeficitsOut(Shown):
    """Deficits of groups, and of the fellows that may be seen, in the units of their policies."""

    half_life_days: int
    rounds: list[str]
    groups: list[OwedOut]
    fellows: list[OwedOut]
