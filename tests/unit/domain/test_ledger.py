"""The ledger against a model of a few lines: any order of entries keeps every balance."""

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.errors import BalanceTooSmall, InvalidValue
from scheduler.domain.ledger import (
    AccountKind,
    Book,
    Transfer,
    TransferCode,
    TransferStep,
    fold,
    trial_balances,
)

AT = datetime(2026, 3, 2, tzinfo=UTC)


class Model:
    """What the ledger promises: held and set aside, as two dictionaries."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.aside: dict[str, int] = {}
        self.offers: dict[str, tuple[str, str, int]] = {}

    def free(self, account: str) -> int:
        """Return what may leave an account."""
        return self.held.get(account, 0) - self.aside.get(account, 0)

    def move(self, debit: str, credit: str, amount: int) -> None:
        """Move an amount."""
        self.held[debit] = self.held.get(debit, 0) - amount
        self.held[credit] = self.held.get(credit, 0) + amount

    def offer(self, name: str, debit: str, credit: str, amount: int) -> None:
        """Set an amount aside."""
        self.aside[debit] = self.aside.get(debit, 0) + amount
        self.offers[name] = (debit, credit, amount)

    def settle(self, name: str, *, post: bool) -> None:
        """End an offer."""
        debit, credit, amount = self.offers.pop(name)
        self.aside[debit] -= amount
        if post:
            self.move(debit, credit, amount)


def a_transfer(number: int, step: TransferStep, debit: str, credit: str, amount: int, **more):
    """A transfer of H200 time."""
    return Transfer(
        id=f"trf_{number:08d}",
        at=AT,
        event=number,
        code=TransferCode.AWARD,
        step=step,
        gpu_type="H200",
        debit=debit,
        credit=credit,
        amount=amount,
        **more,
    )


def play(seed: int, steps: int) -> None:
    """Enter random transfers in book and model alike, and compare them."""
    chance, model = Random(seed), Model()  # noqa: S311 - reproducible histories, no secrets
    stored: dict[str, object] = {}
    book = Book(find=stored.get)
    names = [book.open(AccountKind.SUPPLY, "center", "H200")]
    names += [book.open(AccountKind.AWARD, f"awd_{n}", "H200") for n in range(6)]
    entered: list[Transfer] = []
    pending: dict[str, Transfer] = {}
    for number in range(steps):
        debit, credit = chance.sample(names, 2)
        amount = chance.randint(1, 1000)
        choice = chance.random()
        if choice < 0.3 and pending:
            offer = pending.pop(chance.choice(sorted(pending)))
            step = chance.choice([TransferStep.POST, TransferStep.VOID])
            transfer = a_transfer(
                number, step, offer.debit, offer.credit, offer.amount, settles=offer.id
            )
            book.enter(transfer, offer)
            model.settle(offer.id, post=step is TransferStep.POST)
        else:
            step = TransferStep.PENDING if choice < 0.6 else TransferStep.POSTED
            transfer = a_transfer(number, step, debit, credit, amount)
            if debit != names[0] and amount > model.free(debit):
                with pytest.raises(BalanceTooSmall):
                    book.enter(transfer)
                continue
            book.enter(transfer)
            if step is TransferStep.PENDING:
                pending[transfer.id] = transfer
                model.offer(transfer.id, debit, credit, amount)
            else:
                model.move(debit, credit, amount)
        entered.append(transfer)
    for name in names:
        account = book.accounts[name]
        assert (model.held.get(name, 0), model.free(name)) == (account.balance, account.available)
    chance.shuffle(entered)
    assert fold(book.accounts.values(), entered) == book.accounts
    (trial,) = trial_balances(book.accounts.values(), entered)
    assert trial.holds
    assert sum(trial.balances.values()) == 0


@given(st.integers(min_value=0), st.integers(1, 60))
def test_book_keeps_what_a_plain_model_keeps(seed: int, steps: int):
    """Balances, refusals and the fold agree with the model after any history, in any order."""
    play(seed, steps)


def test_book_keeps_a_long_history():
    """So they do after fifty thousand entries."""
    play(7, 50_000)


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
