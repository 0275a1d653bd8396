"""Tokens: issue, list, revoke, and know a person by one."""

from dataclasses import dataclass
from datetime import datetime

from scheduler.domain.access import Permit, Principal
from scheduler.domain.errors import Forbidden, InvalidValue, Unauthenticated
from scheduler.domain.events import Happening
from scheduler.domain.tokens import PREFIX, Token, hashed, well_formed
from scheduler.operations.record import record
from scheduler.operations.roles import principal_of
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction

HINT = len(PREFIX) + 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What a new token is to be.

    Attributes:
        text: what `scheduler.domain.tokens.mint` made; shown once, never kept.
        pepper: the center's key for hashing tokens.
    """

    person: str
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime
    text: str
    pepper: bytes
    service: bool = False


def issue_token(tx: Transaction, act: Act, new: NewToken) -> Token:
    """Keep the hash of a new token.

    Raises:
        Forbidden: If someone issues a token for another person without reaching everything.
        InvalidValue: If the person is unknown, or the scopes or the expiry are refused.
    """
    if new.person != act.scope.own and not act.scope.everything:
        raise Forbidden(action=act.permit.action)
    person = tx.people.find(new.person)
    if person is None or not person.active:
        raise InvalidValue(field="/person", value=new.person, rule="a known, active person")
    token = Token(
        id=act.new("tok"),
        person=new.person,
        name=new.name,
        hash=hashed(new.text, new.pepper),
        hint=new.text[:HINT],
        scopes=new.scopes,
        issued_by=act.person,
        issued_at=act.now,
        expires_at=new.expires_at,
        service=new.service,
    )
    tx.tokens.add(token)
    body = {"person": token.person, "expires_at": token.expires_at.isoformat()}
    record(tx, act, Happening(kind="token.issued", subject=token.id, body=body))
    return token


def revoke_token(tx: Transaction, act: Act, id_: str) -> Token:
    """Let a visible token count no more, from the next request on."""
    revoked = tx.tokens.get(act.scope, id_).revoke(act.now)
    tx.tokens.save(revoked)
    told = Happening(kind="token.revoked", subject=id_, body={"person": revoked.person})
    record(tx, act, told)
    return revoked


def list_tokens(tx: Transaction, permit: Permit, slice_: Slice = FIRST) -> Page[Token]:
    """List visible tokens, without what would let anyone in."""
    return tx.tokens.list(permit.scope, slice_)


def authenticate(tx: Transaction, text: str, *, pepper: bytes, now: datetime) -> Principal:
    """Return who holds this token, with roles and relations as they stand now.

    Raises:
        Unauthenticated: If the token is unknown, expired or revoked, or its person inactive.
    """
    token = tx.tokens.by_hash(hashed(text, pepper)) if well_formed(text) else None
    if token is None:
        raise Unauthenticated(why="unknown")
    refusal = token.refusal(now)
    if refusal is not None:
        raise Unauthenticated(why=refusal)
    person = tx.people.find(token.person)
    if person is None or not person.active:
        raise Unauthenticated(why="inactive")
    return principal_of(tx, person, token.scopes)
