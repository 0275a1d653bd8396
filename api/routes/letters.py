"""Letters: what a fellow is told of an award or of a request's outcome."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.accepting import preferred
from api.body import StrictRoute
from api.door import Asking, Caller
from api.permissions import declared
from api.replies import Reply, file
from scheduler.domain.letters import Letter
from scheduler.domain.messages import Language
from scheduler.export import pdf
from scheduler.export.letters import as_html, as_pdf, as_text
from scheduler.operations import letters
from scheduler.ports.store import Transaction

EXPLAIN: Final = "award.explain"
TEXT: Final = "text/plain"
HTML: Final = "text/html"
FORMS: Final = {TEXT: "txt", HTML: "html", pdf.MEDIA_TYPE: "pdf"}
"""Media type → how the file's name ends."""
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {kind: {} for kind in FORMS}}}
Id = Annotated[str, Path(max_length=64)]
Lang = Annotated[Language | None, Query(description="In place of Accept-Language.")]
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["letters"])


@router.get("/awards/{award_id}/letter", **declared(EXPLAIN, responses=ANSWERS))
def read_award_letter(caller: Asking, award_id: Id, lang: Lang = None) -> Response:
    """Read the letter of an award: text, HTML or PDF, as Accept says."""
    return _letter(caller, lang, lambda tx: letters.award_letter(tx, caller.permit, award_id))


@router.get("/requests/{request_id}/letter", **declared(EXPLAIN, responses=ANSWERS))
def read_request_letter(caller: Asking, request_id: Id, lang: Lang = None) -> Response:
    """Read the letter of a request's outcome, also when that is a place in line or nothing."""
    return _letter(caller, lang, lambda tx: letters.request_letter(tx, caller.permit, request_id))


def _letter(
    caller: Caller, lang: Language | None, gather: Callable[[Transaction], Letter]
) -> Response:
    kind, language = preferred(caller.request, tuple(FORMS)), lang or caller.language

    def query(tx: Transaction) -> Reply:
        letter = gather(tx)
        name = f"{letter.outcome}-{letter.award or letter.request}.{FORMS[kind]}"
        return file(_written(letter, kind, language), name, kind)

    return caller.show(query)


def _written(letter: Letter, kind: str, language: Language) -> bytes:
    if kind == pdf.MEDIA_TYPE:
        return as_pdf(letter, language)
    text = as_html(letter, language) if kind == HTML else as_text(letter, language)
    return text.encode()
