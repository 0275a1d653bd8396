"""Numba with its types kept."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def kernel(function: Kernel) -> Kernel:
    """Compile a function of arrays and numbers; the machine code is kept between runs."""
    return cast("Kernel", njit(cache=True)(function))
