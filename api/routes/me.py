"""The caller: who they are, what they may, their tokens."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking, Caller
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import ANYONE, declared
from api.replies import EMPTY, Reply, reply
from api.schemas.common import Listing
from api.schemas.directory import Me, PersonOut, TokenIn, TokenMade, TokenOut
from scheduler.domain.access import Scope
from scheduler.domain.errors import NotFound
from scheduler.domain.tokens import ENTROPY_BYTES, LONGEST, mint
from scheduler.operations import tokens
from scheduler.ports.store import Transaction

OWN: Final = "token.manage_own"
TokenId = Annotated[str, Path(max_length=64)]
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["me"])


@router.get("/me", **declared(ANYONE, Me))
def read_me(caller: Asking) -> Response:
    """Say who the token belongs to and what it may do now."""

    def query(tx: Transaction) -> Reply:
        principal = caller.principal
        person = tx.people.find(principal.person)
        if person is None:
            raise NotFound(kind="person", id=principal.person)
        shown = Me(
            person=PersonOut.model_validate(person),
            roles=sorted(principal.roles),
            leads=sorted(principal.groups),
            coordinates=sorted(principal.institutes),
            scopes=sorted(principal.scopes),
            permissions=_permissions(caller),
        )
        return reply(shown)

    return caller.show(query)


@router.get("/me/tokens", **declared(OWN, Listing[TokenOut], flags="L"))
def list_tokens(caller: Asking, cursor: Cursor = None, limit: Limit = STANDARD) -> Response:
    """List the caller's tokens, without their texts."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            tokens.list_tokens(tx, caller.permit, part), TokenOut.model_validate
        )
    )


@router.post("/me/tokens", **declared(OWN, TokenMade, ok=201, flags="I"))
def create_token(caller: Asking, body: TokenIn) -> Response:
    """Make a token for the caller; its text is shown once."""
    text = mint(caller.house.entropy(ENTROPY_BYTES))
    new = tokens.NewToken(
        person=caller.principal.person,
        name=body.name,
        scopes=tuple(body.scopes),
        expires_at=body.expires_at or caller.now + LONGEST - timedelta(seconds=1),
        text=text,
        pepper=caller.house.secret,
    )

    def command(tx: Transaction) -> Reply:
        shown = TokenOut.model_validate(tokens.issue_token(tx, caller.acting, new)).model_dump()
        return reply(TokenMade(**shown, token=text), 201, kept=TokenMade(**shown, token=None))

    return caller.act(command)


@router.delete("/me/tokens/{token_id}", **declared(OWN, ok=204))
def revoke_own_token(caller: Asking, token_id: TokenId) -> Response:
    """Let one of the caller's tokens count no more."""
    return caller.act(lambda tx: _revoked(tx, caller, token_id))


@router.delete("/tokens/{token_id}", **declared("token.revoke_any", ok=204))
def revoke_token(caller: Asking, token_id: TokenId) -> Response:
    """Let anybody's token count no more."""
    return caller.act(lambda tx: _revoked(tx, caller, token_id))


def _revoked(tx: Transaction, caller: Caller, token_id: str) -> Reply:
    tokens.revoke_token(tx, caller.acting, token_id)
    return EMPTY


def _permissions(caller: Caller) -> dict[str, str]:
    held = {action: caller.permit_for(action) for action in caller.house.matrix}
    return {action: _reach(permit.scope) for action, permit in held.items() if permit is not None}


def _reach(scope: Scope) -> str:
    """Name the widest part of a scope."""
    parts = {
        "everything": scope.everything,
        "everything without names": scope.pseudonymous,
        "institutes": bool(scope.institutes),
        "groups": bool(scope.groups),
        "assigned": scope.reviewer is not None,
        "own": scope.own is not None,
        "published": scope.published,
    }
    return next((name for name, held in parts.items() if held), "nothing")
