"""The ledger: accounts, transfers, trial balance, corrections by two people."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.replies import Reply, reply
from api.routes.proposals import shown_proposal
from api.schemas.common import Listing
from api.schemas.ledger import AccountOut, TransferOut, TrialBalanceOut, TrialBalancesOut
from api.schemas.usage import MovementIn, ProposalOut, ReserveIn
from scheduler.domain.ledger import AccountKind
from scheduler.operations import ledger, movements
from scheduler.ports.paging import AccountFilter
from scheduler.ports.store import Transaction

READ: Final = "ledger.read"
CORRECT: Final = "ledger.correct"
LONGEST_ID: Final = 256
router = APIRouter(route_class=StrictRoute, prefix="/api/v1/ledger", tags=["ledger"])


@router.get("/accounts", **declared(READ, Listing[AccountOut], flags="L"))
def list_accounts(  # noqa: PLR0913 - one argument a filter
    caller: Asking,
    *,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    kind: Annotated[AccountKind | None, Query()] = None,
    owner: Annotated[str | None, Query(max_length=64)] = None,
    gpu_type: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """List accounts the caller may see, by kind, owner or GPU type if asked."""
    part = caller.slice(cursor, limit)
    where = AccountFilter(kind=kind, owner=owner, gpu_type=gpu_type)
    return caller.show(
        lambda tx: caller.listing(
            ledger.list_accounts(tx, caller.permit, part, where=where), AccountOut.model_validate
        )
    )


@router.get("/accounts/{account_id}", **declared(READ, AccountOut))
def read_account(
    caller: Asking, account_id: Annotated[str, Path(max_length=LONGEST_ID)]
) -> Response:
    """Read one account."""
    return caller.show(
        lambda tx: reply(
            AccountOut.model_validate(ledger.get_account(tx, caller.permit, account_id))
        )
    )


@router.get("/transfers", **declared(READ, Listing[TransferOut], flags="L"))
def list_transfers(
    caller: Asking,
    *,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    account: Annotated[str | None, Query(max_length=LONGEST_ID)] = None,
) -> Response:
    """List transfers from or to accounts the caller may see, or of one account."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            ledger.list_transfers(tx, caller.permit, part, account=account),
            TransferOut.model_validate,
        )
    )


@router.get("/trial-balance", **declared(READ, TrialBalancesOut))
def read_trial_balance(caller: Asking) -> Response:
    """Derive every balance from the transfers again and compare.

    The sums are the whole center's; wrong accounts are named to who may see all of them.
    """

    def query(tx: Transaction) -> Reply:
        found = ledger.check_ledger(tx, caller.permit)
        items = [TrialBalanceOut.model_validate(each) for each in found]
        return reply(TrialBalancesOut(holds=all(each.holds for each in found), items=items))

    return caller.show(query)


@router.post("/corrections", **declared(CORRECT, ProposalOut, ok=202, flags="IW"))
def correct_ledger(caller: Asking, body: MovementIn) -> Response:
    """Propose to set a mistake right between two accounts; a second person decides."""
    wanted = movements.Movement(
        debit=body.debit, credit=body.credit, amount=body.gpu_seconds, reason=body.reason
    )

    def command(tx: Transaction) -> Reply:
        proposal, event = movements.propose_correction(tx, caller.acting, wanted)
        return shown_proposal(caller, proposal, 202, event)

    return caller.act(command)


@router.post("/reserves", **declared(CORRECT, ProposalOut, ok=202, flags="IW"))
def move_reserve(caller: Asking, body: ReserveIn) -> Response:
    """Propose to put hours of a call into the director's reserve, or back; a second decides."""

    def command(tx: Transaction) -> Reply:
        proposal, event = movements.propose_reserve(
            tx, caller.acting, body.account, body.gpu_seconds, body.reason
        )
        return shown_proposal(caller, proposal, 202, event)

    return caller.act(command)
