"""How fast are the books, and are they right? Random histories against a model of thirty lines.

``python -m benchmarks.books [STEPS] [SEED]`` enters 200,000 transfers of every code and
compares each balance, each refusal and the fold with the model.
"""

import sys
import time
from collections import Counter
from datetime import UTC, datetime
from random import Random

from scheduler.domain.errors import BalanceTooSmall
from scheduler.domain.ledger import (
    FLOWS,
    AccountKind,
    Book,
    Transfer,
    TransferCode,
    TransferStep,
    fold,
    trial_balances,
)

AT = datetime(2026, 3, 2, tzinfo=UTC)
OWNERS = 3
CHUNK = 4096


class Model:
    """What the ledger promises: held and set aside, as dictionaries."""

    def __init__(self):
        self.held, self.aside, self.offers = Counter(), Counter(), {}

    def takes(self, transfer):
        """Say whether a new transfer is taken, and count it if so."""
        debit, amount = transfer.debit, transfer.amount
        free = self.held[debit] - self.aside[debit]
        used = debit.startswith("award:") and transfer.credit.startswith("consumed:")
        bounded = not debit.startswith("supply:") and not used
        if bounded and amount > free:
            return False
        if transfer.step is TransferStep.PENDING:
            self.aside[debit] += amount
            self.offers[transfer.id] = transfer
        else:
            self.move(transfer)
        return True

    def settle(self, transfer):
        """Post or void an offer."""
        offer = self.offers.pop(transfer.settles)
        self.aside[offer.debit] -= offer.amount
        if transfer.step is TransferStep.POST:
            self.move(offer)

    def move(self, transfer):
        """Move an amount."""
        self.held[transfer.debit] -= transfer.amount
        self.held[transfer.credit] += transfer.amount


def a_draw(chance, number, names, offers):
    """Return the next transfer, and the offer that it settles if any."""
    common = {"id": f"trf_{number:08d}", "at": AT, "event": number, "gpu_type": "H200"}
    if offers and chance.random() < 0.2:
        offer = offers.pop(chance.randrange(len(offers)))
        step = chance.choice((TransferStep.POST, TransferStep.VOID))
        parts = {name: getattr(offer, name) for name in ("code", "debit", "credit", "amount")}
        return Transfer(**common, **parts, step=step, settles=offer.id), offer
    code = chance.choice(tuple(TransferCode))
    debited, credited = chance.choice(sorted(FLOWS[code]))
    debit, credit = chance.choice(names[debited]), chance.choice(names[credited])
    if debit == credit:
        credit = next(each for each in names[credited] if each != debit)
    pending = code is TransferCode.AWARD and chance.random() < 0.7
    step = TransferStep.PENDING if pending else TransferStep.POSTED
    most = 100_000 if code is TransferCode.FUND else 1000
    parts = {"debit": debit, "credit": credit, "amount": chance.randint(1, most), "code": code}
    return Transfer(**common, **parts, step=step), None


def play(seed, steps):
    """Enter random transfers in book and model alike, compare them, and count codes entered.

    Every balance is compared in the end and after each few thousand steps; every refusal at once.
    """
    chance, model, book = Random(seed), Model(), Book(find=lambda _: None)  # noqa: S311 - replayable
    names = {
        kind: [book.open(kind, f"owner_{n}", "H200") for n in range(OWNERS)] for kind in AccountKind
    }
    entered, offers, codes = [], [], Counter()
    for number in range(steps):
        transfer, offer = a_draw(chance, number, names, offers)
        if offer is not None:
            book.enter(transfer, offer)
            model.settle(transfer)
        elif model.takes(transfer):
            book.enter(transfer)
            if transfer.step is TransferStep.PENDING:
                offers.append(transfer)
        else:
            refused(book, transfer)
            continue
        entered.append(transfer)
        codes[transfer.code] += 1
        if number % CHUNK == 0:
            compare(book, model)
    compare(book, model)
    chance.shuffle(entered)
    assert fold(book.accounts.values(), entered) == book.accounts
    for trial in trial_balances(book.accounts.values(), entered):
        assert sum(trial.balances.values()) == 0
        assert trial.debits == trial.credits
    return codes


def refused(book, transfer):
    """Check that the book refuses a transfer."""
    try:
        book.enter(transfer)
    except BalanceTooSmall:
        return
    raise AssertionError(f"{transfer} was taken")


def compare(book, model):
    """Check every balance."""
    for name, account in book.accounts.items():
        assert account.balance == model.held[name], name
        assert account.available == model.held[name] - model.aside[name], name


def main(steps=200_000, seed=0):
    """Play and print."""
    began = time.perf_counter()
    codes = play(seed, steps)
    seconds = time.perf_counter() - began
    print(
        f"{steps:,} operations, seed {seed}: {codes.total():,} transfers entered, the rest refused"
    )
    print("  " + ", ".join(f"{code} {count:,}" for code, count in sorted(codes.items())))
    print(f"  every balance as the model's, the fold as the balances; {steps / seconds:,.0f}/s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
