"""Which form of a document a client wants."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from starlette.requests import Request

_QUALITY: Final = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


def preferred(request: Request, forms: Sequence[str]) -> str:
    """Return the media type that `Accept` likes best; the first when it names none of them.

    Args:
        request: with its headers.
        forms: what can be had, the usual one first.

    Source:
        RFC 9110, section 12.5.1; a form that is refused by `q=0` is only given when nothing else is
        accepted either.
    """
    wanted = list(_wanted(request.headers.get("accept", "*/*")))
    return max(forms, key=lambda form: (_liking(form, wanted), -forms.index(form)))


def _wanted(header: str) -> Iterator[tuple[str, float]]:
    """Yield each range with its weight."""
    for part in header.split(","):
        kind, *parameters = (each.strip().lower() for each in part.split(";"))
        weight = 1.0
        for each in parameters:
            name, _, value = each.partition("=")
            if name == "q":
                weight = _weight(value)
        yield kind, weight


def _weight(text: str) -> float:
    """Return a quality value; what is none counts as a refusal."""
    return float(text) if _QUALITY.fullmatch(text) else 0.0


def _liking(form: str, wanted: Sequence[tuple[str, float]]) -> float:
    """Return the weight of the most precise range that covers a form."""
    for kind in (form, f"{form.partition('/')[0]}/*", "*/*"):
        weights = [weight for range_, weight in wanted if range_ == kind]
        if weights:
            return max(weights)
    return 0.0
