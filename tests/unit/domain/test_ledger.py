"""The ledger against a model of a few lines: any order of entries keeps every balance."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.books import play
from scheduler.domain.errors import BalanceTooSmall, InvalidValue
from scheduler.domain.ledger import (
    FLOWS,
    AccountKind,
    Book,
    Transfer,
    TransferCode,
    TransferStep,
    trial_balances,
)

AT = datetime(2026, 3, 2, tzinfo=UTC)


def a_transfer(number: int, step: TransferStep, debit: str, credit: str, amount: int, **more):
    """A transfer of H200 time, that funds a call unless said otherwise."""
    return Transfer(
        **{
            "id": f"trf_{number:08d}",
            "at": AT,
            "event": number,
            "code": TransferCode.FUND,
            "step": step,
            "gpu_type": "H200",
            "debit": debit,
            "credit": credit,
            "amount": amount,
            **more,
        }
    )


@given(st.integers(min_value=0), st.integers(1, 60))
def test_book_keeps_what_a_plain_model_keeps(seed: int, steps: int):
    """Balances, refusals and the fold agree with the model after any history, in any order."""
    play(seed, steps)


def test_book_keeps_a_long_history():
    """So they do after twenty thousand entries, of every code."""
    assert set(TransferCode) == set(play(7, 20_000))


def test_use_is_entered_even_beyond_what_is_held():
    """An award may be overspent, by use alone; the trial balance holds and tells how much."""
    book = Book(find=lambda _: None)
    award = book.open(AccountKind.AWARD, "awd_1", "H200")
    used = book.open(AccountKind.CONSUMED, "awd_1", "H200")
    call = book.open(AccountKind.CALL, "call_1", "H200")
    transfer = a_transfer(1, TransferStep.POSTED, award, used, 600, code=TransferCode.USE)
    book.enter(transfer)
    (trial,) = trial_balances(book.accounts.values(), [transfer])
    assert (True, 600) == (trial.holds, trial.overdrawn)
    with pytest.raises(BalanceTooSmall):
        book.enter(a_transfer(2, TransferStep.POSTED, award, call, 1, code=TransferCode.RETURN))


def test_a_code_moves_only_where_it_means_something():
    """An award is not funded, and what is consumed does not lapse: such a transfer is our fault."""
    book = Book(find=lambda _: None)
    award = book.open(AccountKind.AWARD, "awd_1", "H200")
    lapsed = book.open(AccountKind.LAPSED, "awd_1", "H200")
    with pytest.raises(AssertionError):
        book.enter(a_transfer(1, TransferStep.POSTED, lapsed, award, 1))
    assert set(FLOWS) == set(TransferCode)


def test_a_changed_balance_is_found():
    """A balance that was written by hand is named, and the trial balance does not hold."""
    book = Book(find=lambda _: None)
    debit = book.open(AccountKind.SUPPLY, "center", "H200")
    credit = book.open(AccountKind.CALL, "call_1", "H200")
    transfer = a_transfer(1, TransferStep.POSTED, debit, credit, 7200)
    book.enter(transfer)
    book.accounts[credit] = replace(book.accounts[credit], credits_posted=7201)
    (trial,) = trial_balances(book.accounts.values(), [transfer])
    assert (False, (credit,), 7200, 7201) == (
        trial.holds,
        trial.named,
        trial.debits,
        trial.credits,
    )


@pytest.mark.parametrize(
    ("debit", "credit", "amount"), [("supply:a", "call:b", 0), ("supply:a", "supply:a", 5)]
)
def test_a_transfer_moves_something_somewhere(debit: str, credit: str, amount: int):
    """Nothing, or from an account to itself, is no transfer."""
    with pytest.raises(InvalidValue):
        a_transfer(1, TransferStep.POSTED, debit, credit, amount)
