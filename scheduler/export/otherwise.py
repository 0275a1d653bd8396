"""Counterfactuals in words, Korean and English, and as JSON data."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from scheduler.domain.messages import Language
from scheduler.export.sentence import Sentence
from scheduler.formulate import Names
from solver.checking.verdict import shown
from solver.problem import MILLI, Problem
from solver.whatif import Change, Claim, Counterfactual, Lever, Silence

HEADING: Final = Sentence(
    "무엇이 달랐다면 결과가 바뀌었을까요(모두 계획으로 확인됨):",
    "What would have changed it, and what would not (each shown by a plan):",
)
CHANGES: Final[Mapping[Lever, Sentence]] = {
    Lever.NOTHING: Sentence("신청 내용 그대로", "As it stands"),
    Lever.ASK: Sentence(
        "신청량 {gpu_hours} GPU시간(최소량 {minimum_gpu_hours})",
        "Had it asked {gpu_hours} GPU-hours (minimum {minimum_gpu_hours})",
    ),
    Lever.MINIMUM: Sentence(
        "최소량 {minimum_gpu_hours} GPU시간", "With a minimum of {minimum_gpu_hours} GPU-hours"
    ),
    Lever.WINDOW: Sentence(
        "기간 슬롯 {first}부터 {end} 앞까지", "With a window from slot {first} up to slot {end}"
    ),
    Lever.POOL: Sentence(
        "풀 {pool}(속도 {speed})도 사용", "Had it accepted pool {pool} too, at speed {speed}"
    ),
    Lever.GPUS: Sentence("동시 GPU 최대 {max_gpus}개", "With at most {max_gpus} GPUs at once"),
    Lever.GANG: Sentence("함께 쓰는 GPU {gang_gpus}개", "With gangs of {gang_gpus} GPUs"),
    Lever.SCORE: Sentence("점수 {score}", "With a score of {score}"),
    Lever.BOTH: Sentence(
        "점수 {score}, 최소량 {minimum_gpu_hours} GPU시간",
        "With a score of {score} and a minimum of {minimum_gpu_hours} GPU-hours",
    ),
}
"""What is otherwise: the beginning of each sentence."""

CLAIMS: Final[Mapping[Claim, Sentence]] = {
    Claim.BETTER: Sentence(
        "{change}: {awarded} GPU시간 배정이 가능합니다(현재 {now}). 모든 규칙을 지키며 정책 목표 "
        "가운데 나빠지는 것이 없습니다.",
        "{change}: {awarded} GPU-hours instead of {now}. A plan shows it that keeps every rule and "
        "reaches no goal of the policy worse.",
    ),
    Claim.EQUAL: Sentence(
        "{change}: {awarded} GPU시간 배정이 가능합니다(현재 {now}). 모든 규칙을 지키며 정책 목표를 "
        "똑같이 이룹니다.",
        "{change}: {awarded} GPU-hours instead of {now} are possible. A plan shows it that keeps "
        "every rule and reaches every goal of the policy exactly as well.",
    ),
    Claim.WITHIN_GAP: Sentence(
        "{change}: {awarded} GPU시간 배정(현재 {now})과의 차이가 작았습니다. "
        "목표별 손실({losses})은 "
        "증명이 남긴 오차보다 작습니다.",
        "{change}: {awarded} GPU-hours instead of {now} was close. What goals lose ({losses}) is "
        "less than the proof of the plan leaves open.",
    ),
    Claim.AT_A_COST: Sentence(
        "{change}: {awarded} GPU시간을 배정하려면(현재 {now}) 찾은 계획 가운데 가장 나은 것에서도 "
        "목표가 나빠집니다: {losses}.",
        "{change}: {awarded} GPU-hours instead of {now} would cost, in the best plan that was "
        "found, {losses}.",
    ),
    Claim.SAME_PLAN: Sentence(
        "{change}: 배정 {awarded} GPU시간이 그대로 유지됩니다.",
        "{change}: the award of {awarded} GPU-hours would have been the same.",
    ),
    Claim.FORMULA: Sentence(
        "{change}: 이 정책의 공식으로 {awarded} GPU시간이 배정됩니다(현재 {now}).",
        "{change}: the formula of the policy awards {awarded} GPU-hours instead of {now}.",
    ),
}

GOALS: Final[Mapping[str, Sentence]] = {
    "groups": Sentence("연구단 최대 부족 {share}", "{share} of the worst group's entitlement"),
    "groups_total": Sentence("연구단 부족 합계 {share}", "{share} of what groups are entitled to"),
    "fellows": Sentence("펠로우 부족 합계 {share}", "{share} of what fellows are entitled to"),
    "value": Sentence("가치 {share}", "{share} of the value"),
    "weighted": Sentence("가중 목표 {share}", "{share} of all that the goals weigh"),
}

SILENCES: Final[Mapping[Silence, Sentence]] = {
    Silence.VETOED: Sentence(
        "운영자가 거부한 신청입니다. 무엇을 달리 적어도 결과가 바뀌지 않습니다.",
        "The operator vetoed it; nothing stated otherwise would change that.",
    ),
    Silence.MID_ROUND: Sentence(
        "회차 중에는 대기 순서와 이미 가진 배정이 결과를 정합니다. 달리 적어 바꿀 것이 없습니다.",
        "In mid-round the line and what is held decide; nothing that is stated would change that.",
    ),
    Silence.NEVER_FITS: Sentence(
        "다른 신청이 하나도 없어도 최소량에 이르지 못합니다. 시도한 변경 가운데 더 보일 것이 "
        "없습니다.",
        "Even alone in the round it cannot reach its minimum; no further change that was tried "
        "would let it.",
    ),
    Silence.NOT_FOUND: Sentence(
        "신청량, 최소량, 기간, 풀, 묶음, 점수를 달리해 보았으나 계획으로 확인되는 변경이 더 "
        "없습니다.",
        "No further change of ask, minimum, window, pools, gang or score was found that a plan "
        "bears out.",
    ),
}
"""Why no more is shown, where little is."""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What turns counterfactuals into words.

    Attributes:
        names: the ids behind the indices.
        problem: the round as it stands.
    """

    names: Names
    problem: Problem

    def document(self, found: Counterfactual, now: int, *, delta: bool) -> dict[str, Any]:
        """Return a counterfactual as JSON data with its sentence in both languages.

        Args:
            found: what was found.
            now: thousandths of reference GPU-hours awarded as it stands.
            delta: whether to tell the plan that shows it, which names other requests.
        """
        told: dict[str, Any] = {
            "lever": found.change.lever.value,
            "change": self.keys(found.change),
            "claim": found.claim.value,
            "gpu_hours": _number(found.awarded),
            "goals": {
                name: {
                    "loss": _share(loss, found.sizes[name]),
                    "open": _share(found.open.get(name, Fraction(0)), found.sizes[name]),
                }
                for name, loss in found.losses.items()
            },
            "moved_gpu_hours": int(found.delta[found.delta[:, 3] > 0, 3].sum()),
            "text": {language.value: self.text(found, now, language) for language in Language},
        }
        if delta:
            told["delta"] = [
                [self.names.requests[request], self.names.pools[pool], slot, hours]
                for request, pool, slot, hours in found.delta.tolist()
            ]
        return told

    def keys(self, change: Change) -> dict[str, Any]:
        """Return a change as keys of the request in the round file, with their other values."""
        numbers = {
            "gpu_hours": change.ask,
            "minimum_gpu_hours": change.minimum,
            "score": change.score,
        }
        told: dict[str, Any] = {
            name: _number(milli) for name, milli in numbers.items() if milli is not None
        }
        counts = {"max_gpus": change.gpus, "gang_gpus": change.gang}
        told |= {name: count for name, count in counts.items() if count is not None}
        if change.first is not None:
            told["window"] = [change.first, change.end]
        if change.pool is not None:
            speeds = self.problem.speed[change.request].tolist()
            told["speeds"] = {
                name: _number(speed)
                for name, speed in zip(self.names.pools, speeds, strict=True)
                if speed
            } | {self.names.pools[change.pool]: _number(change.speed or 0)}
        return told

    def text(self, found: Counterfactual, now: int, language: Language) -> str:
        """Return a counterfactual as a sentence."""
        change = (
            CHANGES[found.change.lever].in_language(language).format_map(self.fields(found.change))
        )
        losses = ", ".join(
            GOALS[name].in_language(language).format(share=_percent(loss, found.sizes[name]))
            for name, loss in found.losses.items()
            if loss > 0
        )
        fields = {
            "change": change,
            "awarded": shown(found.awarded),
            "now": shown(now),
            "losses": losses,
        }
        return CLAIMS[found.claim].in_language(language).format_map(fields)

    def fields(self, change: Change) -> dict[str, str]:
        """Return the figures of a change as text."""
        request = change.request
        ask = self.problem.ask[request] if change.ask is None else change.ask
        minimum = self.problem.minimum[request] if change.minimum is None else change.minimum
        return {
            "gpu_hours": shown(int(ask)),
            "minimum_gpu_hours": shown(int(minimum)),
            "first": str(change.first),
            "end": str(change.end),
            "pool": "" if change.pool is None else self.names.pools[change.pool],
            "speed": shown(change.speed or 0),
            "max_gpus": str(change.gpus),
            "gang_gpus": str(change.gang),
            "score": shown(change.score or 0),
        }


def silence_document(why: Silence) -> dict[str, Any]:
    """Return why little is shown as JSON data with its sentence in both languages."""
    text = {language.value: SILENCES[why].in_language(language) for language in Language}
    return {"code": why.value, "text": text}


def _number(milli: int) -> int | float:
    """Return thousandths as a JSON number."""
    whole, rest = divmod(milli, MILLI)
    return milli / MILLI if rest else whole


def _share(loss: Fraction, size: Fraction) -> float:
    """Return a loss as a share, with nine places."""
    return round(float(loss / size), 9)


def _percent(loss: Fraction, size: Fraction) -> str:
    """Return a loss as a percentage with three significant figures."""
    return f"{float(100 * loss / size):.3g} %"
