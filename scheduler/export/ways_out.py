"""Ways out of a round without a plan in words, Korean and English."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scheduler.domain.messages import Language
from scheduler.export.sentence import Sentence
from scheduler.export.sentences import HEADINGS, UNITS
from scheduler.formulate import Names
from solver.checking.verdict import shown
from solver.problem import Unit
from solver.relaxations import Change, Relaxation, WayOut

STEPS: Final[Mapping[Change, Sentence]] = {
    Change.DROP_LINK: Sentence(
        "{whom}: 선행 신청을 기다리지 않게 합니다", "let {whom} no longer wait for another request"
    ),
    Change.LIFT_VETO: Sentence("{whom}: 제외를 취소합니다", "lift the veto of {whom}"),
    Change.WIDEN_WINDOW: Sentence(
        "{whom}: 기간을 슬롯 {before}개에서 {after}개로 늘립니다",
        "widen the window of {whom} from {before} slots to {after}",
    ),
    Change.LOWER_FLOOR: Sentence(
        "{whom}: 하한을 {before}에서 {after} {unit}(으)로 낮춥니다",
        "lower the floor of {whom} from {before} to {after} {unit}",
    ),
    Change.RAISE_CAP: Sentence(
        "{whom}: 상한을 {before}에서 {after} {unit}(으)로 높입니다",
        "raise the cap of {whom} from {before} to {after} {unit}",
    ),
    Change.LOWER_MINIMUM: Sentence(
        "{whom}: 최소량을 {before}에서 {after} GPU시간으로 낮춥니다",
        "lower the minimum of {whom} from {before} to {after} GPU-hours",
    ),
    Change.ADD_SUPPLY: Sentence(
        "{whom}: 슬롯마다 {after} GPU시간을 더 공급합니다",
        "add {after} GPU-hours to every slot of {whom}",
    ),
    Change.RELEASE: Sentence(
        "{whom}: 보장(고정, 이전 약속)을 해제합니다",
        "release the guarantee, pin or promise of {whom}",
    ),
}
COST: Final = Sentence("{steps} (비용 {cost} {unit})", "{steps} (cost: {cost} {unit})")
AND: Final = Sentence(", 그리고 ", ", and ")
POOL: Final = Sentence("풀", "pool")


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysOut:
    """What turns ways out into words.

    Attributes:
        names: the ids behind the indices.
        unit: what floors, caps and costs are counted in.
    """

    names: Names
    unit: Unit

    def text(self, way: WayOut, language: Language) -> str:
        """Return a way out as one sentence without a full stop."""
        steps = AND.in_language(language).join(self._step(step, language) for step in way.steps)
        unit = UNITS[self.unit].in_language(language)
        return COST.in_language(language).format(steps=steps, cost=shown(way.cost), unit=unit)

    def _step(self, step: Relaxation, language: Language) -> str:
        """Return one change in words."""
        counted = step.change is Change.WIDEN_WINDOW
        before, after = (
            str(amount) if counted else shown(amount) for amount in (step.before, step.after)
        )
        return (
            STEPS[step.change]
            .in_language(language)
            .format(
                whom=self._whom(step, language),
                before=before,
                after=after,
                unit=UNITS[self.unit].in_language(language),
            )
        )

    def _whom(self, step: Relaxation, language: Language) -> str:
        """Return kind and id of what a step changes."""
        ids = {
            "request": self.names.requests,
            "fellow": self.names.fellows,
            "group": self.names.groups,
            "institute": self.names.institutes,
            "track": self.names.tracks,
            "pool": self.names.pools,
        }[step.kind]
        heading = POOL if step.kind == "pool" else HEADINGS[step.kind]
        return f"{heading.in_language(language)} {ids[step.index]}"
