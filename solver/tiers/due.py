"""What is due to fellows, and what each request can bring of it."""

from dataclasses import dataclass

from solver.problem import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Due:
    """What is due to fellows, and what requests bring of it when they are funded.

    Attributes:
        owed: ``(f,)`` thousandths of the unit.
        lack: ``(f,)`` columns of the shares that fellows lack, or `NOBODY`.
        least, most: ``(r,)`` thousandths of the unit.
    """

    owed: FloatArray
    lack: IntArray
    least: FloatArray
    most: FloatArray
