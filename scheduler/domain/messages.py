"""What the center says, in Korean and English: a title and a detail for each code.

Details are templates over the fields of the refusal or finding. A number that stands for
thousandths arrives here as a decimal already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Language(StrEnum):
    """The languages of the center."""

    KOREAN = "ko"
    """한국어."""
    ENGLISH = "en"
    """English."""


@dataclass(frozen=True, slots=True)
class Message:
    """One short sentence, and one that names thing, value and rule."""

    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Texts:
    en: tuple[str, str]
    ko: tuple[str, str]


class _Fields(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "–"


def codes() -> tuple[str, ...]:
    """Return every code that has a text, in alphabetical order."""
    return tuple(sorted(_TEXTS))


def render(code: str, fields: Mapping[str, object], language: Language) -> Message:
    """Return the text of a code in a language, its fields filled in.

    An unknown code is answered by the text of a plain refusal, so that saying no never fails.
    """
    texts = _TEXTS.get(code, _TEXTS["refused"])
    title, detail = texts.ko if language is Language.KOREAN else texts.en
    shown = _Fields({name: _shown(value) for name, value in fields.items()})
    return Message(title, detail.format_map(shown))


def _shown(value: object) -> str:
    """Return a field as a text has it; a list of sentences is a paragraph."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        parts = [str(part) for part in value]
        between = " " if all(part.endswith(".") for part in parts) else ", "
        return between.join(parts) or "–"
    return str(value)


_TEXTS: Final[Mapping[str, _Texts]] = {
    "refused": _Texts(
        ("The center refuses this.", "A rule of the center refuses this."),
        ("허용되지 않는 요청입니다.", "센터의 규칙에 따라 허용되지 않습니다."),
    ),
    "invalid-value": _Texts(
        ("A value breaks a rule.", "{field} is {value}; the rule: {rule}."),
        ("값이 규칙에 맞지 않습니다.", "{field}의 값은 {value}입니다. 규칙: {rule}."),
    ),
    "not-found": _Texts(
        ("Not found.", "There is no {kind} {id} that you may see."),
        ("찾을 수 없습니다.", "볼 수 있는 {kind} {id}이(가) 없습니다."),
    ),
    "unauthenticated": _Texts(
        ("Sign in first.", "The token is {why}."),
        ("로그인이 필요합니다.", "토큰을 사용할 수 없습니다: {why}."),
    ),
    "forbidden": _Texts(
        ("You may not do this.", "None of your roles allows {action}."),
        ("권한이 없습니다.", "현재 역할로는 {action}을(를) 할 수 없습니다."),
    ),
    "second-person-required": _Texts(
        (
            "A second person is required.",
            "{action} needs someone else: {person} already is the {part}.",
        ),
        (
            "다른 사람의 승인이 필요합니다.",
            "{action}은(는) 다른 사람이 해야 합니다. {person}은(는) 이미 {part}입니다.",
        ),
    ),
    "version-mismatch": _Texts(
        (
            "Someone changed it meanwhile.",
            "{kind} {id} is at version {current}, not {expected}. Read it again.",
        ),
        (
            "그사이 내용이 바뀌었습니다.",
            "{kind} {id}의 현재 버전은 {current}입니다({expected} 아님). 다시 읽어 주세요.",
        ),
    ),
    "already-exists": _Texts(
        ("The id is taken.", "There is a {kind} {id} already."),
        ("이미 있는 이름입니다.", "{kind} {id}이(가) 이미 있습니다."),
    ),
    "invalid-transition": _Texts(
        (
            "The state does not allow this.",
            "{kind} {id} is {state}: {action} is not possible. Possible now: {allowed}.",
        ),
        (
            "현재 상태에서는 할 수 없습니다.",
            "{kind} {id}의 상태는 {state}입니다. {action} 불가. 지금 가능한 일: {allowed}.",
        ),
    ),
    "call-not-open": _Texts(
        ("The call is not open.", "Call {call} opens at {opens_at}."),
        ("아직 공모가 열리지 않았습니다.", "공모 {call}은(는) {opens_at}에 열립니다."),
    ),
    "call-closed": _Texts(
        (
            "The call is closed.",
            (
                "Call {call} closed at {closed_at}; this arrived at {received_at}, "
                "{late_ms} ms too late."
            ),
        ),
        (
            "공모가 마감되었습니다.",
            (
                "공모 {call}은(는) {closed_at}에 마감되었습니다. 접수 시각 {received_at}, "
                "{late_ms} ms 늦었습니다."
            ),
        ),
    ),
    "call-still-open": _Texts(
        ("The call is still open.", "Call {call} takes requests until {closes_at}."),
        ("공모가 아직 진행 중입니다.", "공모 {call}은(는) {closes_at}까지 접수합니다."),
    ),
    "deadline-not-later": _Texts(
        (
            "A deadline only moves later.",
            "Call {call} closes at {closes_at}; {asked} is not later than that and than now.",
        ),
        (
            "마감은 뒤로만 미룰 수 있습니다.",
            "공모 {call}의 마감은 {closes_at}입니다. {asked}은(는) 마감과 현재보다 뒤가 아닙니다.",
        ),
    ),
    "request-not-ready": _Texts(
        ("The request is not ready.", "Request {request} has {count} error(s) to mend first."),
        ("신청서를 아직 제출할 수 없습니다.", "신청 {request}에 고칠 오류가 {count}개 있습니다."),
    ),
    "policy-not-locked": _Texts(
        (
            "The policy is not locked.",
            "Version {policy_version} of policy {policy} must be locked first.",
        ),
        (
            "정책이 잠기지 않았습니다.",
            "정책 {policy}의 버전 {policy_version}을(를) 먼저 잠가야 합니다.",
        ),
    ),
    "seed-not-sealed": _Texts(
        (
            "The seed of the lottery is not sealed.",
            "Policy {policy} draws lots; call {call} must state its seed_seal before it opens.",
        ),
        (
            "추첨 시드가 봉인되지 않았습니다.",
            "정책 {policy}은(는) 추첨을 합니다. 공모 {call}에 seed_seal을 먼저 적어야 합니다.",
        ),
    ),
    "seed-not-revealed": _Texts(
        (
            "The seed of the lottery is not revealed.",
            "Round {round} is drawn with its sealed seed; reveal seed and salt first.",
        ),
        (
            "추첨 시드가 공개되지 않았습니다.",
            "회차 {round}은(는) 봉인된 시드로 추첨합니다. 시드와 솔트를 먼저 공개해야 합니다.",
        ),
    ),
    "seed-mismatch": _Texts(
        (
            "This is not the sealed seed.",
            "Seed {seed} is not the one that the call of round {round} was sealed with.",
        ),
        (
            "봉인된 시드가 아닙니다.",
            "시드 {seed}은(는) 회차 {round}의 공모에 봉인된 시드가 아닙니다.",
        ),
    ),
    "invalid-policy": _Texts(
        ("The policy is refused.", "Policy {policy}: {rule}"),
        ("정책 내용이 올바르지 않습니다.", "정책 {policy}: {rule}"),
    ),
    "invalid-scores": _Texts(
        ("The scores are refused.", "{count} row(s) are wrong; none was taken."),
        (
            "점수를 받을 수 없습니다.",
            "{count}개 행이 잘못되었습니다. 아무것도 저장하지 않았습니다.",
        ),
    ),
    "invalid-round-file": _Texts(
        ("The round file is refused.", "{rule}"),
        ("회차 파일이 올바르지 않습니다.", "{rule}"),
    ),
    "nothing-to-freeze": _Texts(
        ("There is nothing to decide on.", "Call {call} has no valid submission for {round}."),
        ("확정할 신청이 없습니다.", "공모 {call}에 회차 {round}에 쓸 유효한 신청이 없습니다."),
    ),
    "scenario-mismatch": _Texts(
        (
            "This is another scenario.",
            "Round {round} has selected {expected}; the act names {got}.",
        ),
        (
            "다른 시나리오입니다.",
            "회차 {round}이(가) 고른 시나리오는 {expected}이며, 요청은 {got}을(를) 가리킵니다.",
        ),
    ),
    "not-verified": _Texts(
        (
            "The plan breaks a rule.",
            "The checker found {count} broken rule(s) in scenario {scenario}.",
        ),
        (
            "배분안이 규칙을 어깁니다.",
            "검사기가 시나리오 {scenario}에서 위반 {count}건을 찾았습니다. 게시하지 않습니다.",
        ),
    ),
    "holdings-changed": _Texts(
        (
            "What awards hold has changed.",
            "{awards} changed since round {round} was frozen ({count}). Reallocate again.",
        ),
        (
            "배정 내용이 바뀌었습니다.",
            "회차 {round} 동결 뒤 {count}건이 바뀌었습니다: {awards}. 재배정을 새로 시작하십시오.",
        ),
    ),
    "appeal-closed": _Texts(
        ("Too late to appeal.", "Appeals on award {award} were possible until {closed_at}."),
        ("이의 신청 기간이 지났습니다.", "배정 {award}의 이의 신청 기한은 {closed_at}입니다."),
    ),
    "offer-lapsed": _Texts(
        ("Too late to accept.", "The offer of award {award} could be accepted until {answer_by}."),
        ("수락 기한이 지났습니다.", "배정 {award}의 제안은 {answer_by}까지 수락할 수 있었습니다."),
    ),
    "return-too-large": _Texts(
        ("More than is held.", "Award {award} holds {held} GPU-hours; {returned} cannot return."),
        (
            "보유한 양보다 많습니다.",
            "배정 {award}의 보유량은 {held} GPU시간입니다. {returned}은(는) 반납할 수 없습니다.",
        ),
    ),
    "balance-too-small": _Texts(
        (
            "The account does not hold as much.",
            "{account} can give {available} GPU-seconds; {amount} were to leave.",
        ),
        (
            "계정 잔액이 부족합니다.",
            "{account}에서 쓸 수 있는 양은 {available} GPU초인데 {amount} GPU초를 옮기려 했습니다.",
        ),
    ),
    "notice-running": _Texts(
        ("The notice is not over.", "Proposal {proposal} takes effect from {not_before} on."),
        ("예고 기간이 끝나지 않았습니다.", "제안 {proposal}은(는) {not_before}부터 시행됩니다."),
    ),
    "party-required": _Texts(
        (
            "It is another's to agree.",
            "Proposal {proposal} takes effect only if {party} agrees; {person} cannot.",
        ),
        (
            "당사자의 동의가 필요합니다.",
            "제안 {proposal}은(는) {party}의 동의로만 시행되며 {person}은(는) 할 수 없습니다.",
        ),
    ),
    "invalid-usage": _Texts(
        ("The usage file is refused.", "Row {row}: {value}; the rule: {rule}. Nothing was taken."),
        ("사용 기록을 받을 수 없습니다.", "{row}행: {value}. 규칙: {rule}. 반영된 것은 없습니다."),
    ),
    "undated-round": _Texts(
        ("The round has no dates.", "The calendar of round {round} has no first day."),
        ("날짜가 없는 회차입니다.", "회차 {round}의 일정에는 시작일이 없습니다."),
    ),
    "exemptions-waiting": _Texts(
        (
            "Exemptions wait.",
            "{count} exemptions from reclaim {reclaim} are undecided; decide them first.",
        ),
        (
            "결정되지 않은 면제 신청이 있습니다.",
            "회수 {reclaim}에 대한 면제 신청 {count}건을 먼저 결정해야 합니다.",
        ),
    ),
    "exemption-too-late": _Texts(
        (
            "Too late for an exemption.",
            "Exemptions from reclaim {reclaim} could be asked until {until}.",
        ),
        (
            "면제 신청 기한이 지났습니다.",
            "회수 {reclaim}의 면제 신청 기한은 {until}이었습니다.",
        ),
    ),
    "already-founded": _Texts(
        ("The center is founded.", "The first administrators exist; they grant further roles."),
        ("이미 설치된 센터입니다.", "첫 관리자가 있습니다. 역할은 관리자가 부여합니다."),
    ),
    "idempotency-key-reused": _Texts(
        ("The key is used.", "Idempotency-Key {key} was used with another body."),
        ("이미 쓴 키입니다.", "Idempotency-Key {key}은(는) 다른 내용에 쓰였습니다."),
    ),
    "idempotency-in-flight": _Texts(
        ("The first try is still running.", "Try again soon with the same key {key}."),
        ("처리 중입니다.", "같은 키 {key}로 잠시 후 다시 시도하세요."),
    ),
    "lease-lost": _Texts(
        ("Another worker holds the job.", "Job {job} is at fence {current}, not {fence}."),
        (
            "다른 작업자가 맡았습니다.",
            "작업 {job}의 현재 펜스는 {current}입니다({fence} 아님).",
        ),
    ),
    "store-unavailable": _Texts(
        ("The store takes no writes.", "Nothing was written: {why}. Try again later."),
        ("저장할 수 없습니다.", "아무것도 저장하지 않았습니다: {why}. 나중에 다시 시도하세요."),
    ),
    "store-busy": _Texts(
        ("The store is busy.", "Nothing was written: {why}. Try again in a moment."),
        ("저장소가 바쁩니다.", "아무것도 저장하지 않았습니다: {why}. 잠시 후 다시 시도하세요."),
    ),
    # Why a solve ended without a scenario.
    "no-plan": _Texts(
        (
            "There is no plan.",
            "The solver says {status}. {conflicts}",
        ),
        (
            "배분안이 없습니다.",
            "풀이 결과: {status}. {conflicts}",
        ),
    ),
    "search-ended": _Texts(
        ("No plan was found.", "The search ended before any plan was found."),
        ("배분안을 찾지 못했습니다.", "배분안을 찾기 전에 탐색이 끝났습니다."),
    ),
    "formula-fails": _Texts(
        (
            "No plan was found.",
            "The policy's formula gives no plan that keeps every rule; one that optimises may.",
        ),
        (
            "배분안을 찾지 못했습니다.",
            (
                "이 정책의 산식으로는 모든 규칙을 지키는 배분안이 나오지 않습니다. "
                "최적화 정책으로는 가능할 수 있습니다."
            ),
        ),
    ),
    "solver-crashed": _Texts(
        ("The solver broke down.", "Its last words: {said}"),
        ("풀이 프로그램이 중단되었습니다.", "마지막 기록: {said}"),
    ),
    "solver-overran": _Texts(
        ("The solver took too long.", "It was ended after {seconds} seconds."),
        ("풀이 시간이 초과되었습니다.", "{seconds}초 뒤에 종료했습니다."),
    ),
    "out-of-memory": _Texts(
        ("The solver ran out of memory.", "It may use {memory_mib} MiB."),
        ("풀이에 쓸 메모리가 부족합니다.", "한도는 {memory_mib} MiB입니다."),
    ),
    "too-many-attempts": _Texts(
        ("The solve was given up.", "{attempts} workers fell silent while they did it."),
        ("풀이를 포기했습니다.", "작업자 {attempts}개가 풀이 중에 응답을 멈췄습니다."),
    ),
    "cancelled": _Texts(
        ("The solve was cancelled.", "{by} stopped it."),
        ("풀이가 취소되었습니다.", "{by}이(가) 중단했습니다."),
    ),
    # Findings of the entry checks.
    "missing": _Texts(
        ("Something is missing.", "{field} is not stated; the rule: {rule}."),
        ("빠진 항목이 있습니다.", "{field}이(가) 비어 있습니다. 규칙: {rule}."),
    ),
    "minimum-above-ask": _Texts(
        (
            "The minimum lies above the ask.",
            "The minimum is {value} GPU-hours; it may be at most the {limit} asked.",
        ),
        (
            "최소량이 신청량보다 큽니다.",
            "최소량 {value} GPU시간은 신청량 {limit} 이하여야 합니다.",
        ),
    ),
    "window-outside-call": _Texts(
        (
            "The window lies outside the call.",
            "The window is slots {value}; the call has slots 0 to {limit} (end excluded).",
        ),
        (
            "기간이 공모 범위를 벗어납니다.",
            "신청 기간은 슬롯 {value}이고, 공모의 슬롯은 0부터 {limit} 미만입니다.",
        ),
    ),
    "ask-above-window": _Texts(
        (
            "The window is too small for the ask.",
            (
                "{value} GPU-hours are asked; {gpus} GPUs × {hours} hours × speed {speed} "
                "give at most {limit}."
            ),
        ),
        (
            "기간 안에 쓸 수 없는 양입니다.",
            (
                "{value} GPU시간을 신청했으나 GPU {gpus}개 × {hours}시간 × 속도 {speed}로는 "
                "최대 {limit}입니다."
            ),
        ),
    ),
    "ask-above-supply": _Texts(
        (
            "The pools cannot give this much.",
            "{value} GPU-hours are asked; the acceptable pools supply {limit} in the window.",
        ),
        (
            "풀의 공급량보다 많습니다.",
            "{value} GPU시간을 신청했으나 선택한 풀은 기간 안에 {limit}만 공급합니다.",
        ),
    ),
    "minimum-above-supply": _Texts(
        (
            "The minimum is out of reach.",
            "The minimum is {value} GPU-hours; the acceptable pools supply {limit} in the window.",
        ),
        (
            "최소량을 채울 수 없습니다.",
            "최소량 {value} GPU시간은 선택한 풀의 기간 내 공급량 {limit}보다 많습니다.",
        ),
    ),
    "pool-not-offered": _Texts(
        ("The pool is not offered.", "Pool {value} is not offered; the call offers {limit}."),
        ("제공되지 않는 풀입니다.", "풀 {value}은(는) 제공되지 않습니다. 공모의 풀: {limit}."),
    ),
    "speed-not-positive": _Texts(
        ("A speed is not positive.", "The speed on the pool is {value}; it must be above 0."),
        ("속도는 0보다 커야 합니다.", "풀에서의 속도가 {value}입니다. 0보다 커야 합니다."),
    ),
    "no-pool-fits": _Texts(
        (
            "No acceptable pool is large enough.",
            "{value} GPUs are used together; the largest acceptable pool has {limit}.",
        ),
        (
            "충분히 큰 풀이 없습니다.",
            "GPU {value}개를 함께 쓰지만 선택한 풀 중 가장 큰 것은 {limit}개입니다.",
        ),
    ),
    "gang-not-whole-nodes": _Texts(
        (
            "The gang does not fill whole nodes.",
            "{value} GPUs together are more than a node; use a multiple of {limit} on pool {pool}.",
        ),
        (
            "노드 단위로 맞지 않습니다.",
            "GPU {value}개는 한 노드보다 큽니다. 풀 {pool}에서는 {limit}의 배수여야 합니다.",
        ),
    ),
    "gang-splits-node": _Texts(
        (
            "The gang does not divide a node.",
            "{value} GPUs together leave part of a node of {limit} unused on pool {pool}.",
        ),
        (
            "노드에 남는 GPU가 생깁니다.",
            "GPU {value}개씩 쓰면 풀 {pool}의 {limit}개 노드에 남는 GPU가 생깁니다.",
        ),
    ),
    "gang-above-max": _Texts(
        (
            "The gang is larger than the most GPUs.",
            "{value} GPUs are used together; at most {limit} are asked at once.",
        ),
        (
            "함께 쓰는 GPU가 최대보다 많습니다.",
            "함께 쓰는 GPU {value}개가 최대 동시 사용량 {limit}개보다 많습니다.",
        ),
    ),
    "max-not-whole-gangs": _Texts(
        (
            "The most GPUs are not whole gangs.",
            "At most {value} GPUs are asked; that is no multiple of the {limit} used together.",
        ),
        (
            "최대 GPU 수가 묶음 단위로 맞지 않습니다.",
            "최대 GPU {value}개는 함께 쓰는 {limit}개의 배수가 아닙니다.",
        ),
    ),
    "block-slots-missing": _Texts(
        ("The block has no length.", "Shape block needs block_slots, from 1 to {limit}."),
        ("블록 길이가 없습니다.", "블록 형태에는 1부터 {limit}까지의 block_slots가 필요합니다."),
    ),
    "block-slots-do-not-fit": _Texts(
        (
            "The block does not fit the window.",
            "The block has {value} slots; the window has {limit}.",
        ),
        (
            "블록이 기간에 들어가지 않습니다.",
            "블록은 {value}슬롯이고 기간은 {limit}슬롯입니다.",
        ),
    ),
    "block-slots-unused": _Texts(
        ("The block length is not used.", "block_slots is {value}; the shape is {limit}."),
        ("블록 길이는 쓰이지 않습니다.", "block_slots가 {value}이지만 형태는 {limit}입니다."),
    ),
    "track-unknown": _Texts(
        ("The track is unknown.", "Track {value} is not in the call; its tracks: {limit}."),
        ("없는 트랙입니다.", "트랙 {value}은(는) 공모에 없습니다. 공모의 트랙: {limit}."),
    ),
    "after-unknown": _Texts(
        (
            "The predecessor is unknown.",
            "Request {value} is not one of the same fellow's live requests in this call.",
        ),
        (
            "선행 신청을 찾을 수 없습니다.",
            "신청 {value}은(는) 이 공모에서 같은 연구자의 유효한 신청이 아닙니다.",
        ),
    ),
    "after-itself": _Texts(
        ("A request cannot follow itself.", "Request {value} comes after itself."),
        ("자기 자신을 선행으로 둘 수 없습니다.", "신청 {value}이(가) 자신을 뒤따릅니다."),
    ),
    "too-many-requests": _Texts(
        (
            "Too many requests.",
            "This would be live request {value} of the fellow; the call allows {limit}.",
        ),
        (
            "신청 건수가 너무 많습니다.",
            "연구자의 {value}번째 유효 신청입니다. 공모는 {limit}건까지 허용합니다.",
        ),
    ),
    "ask-above-cap": _Texts(
        ("The ask is above the cap.", "{value} GPU-hours are asked; the cap is {limit}."),
        ("상한보다 많습니다.", "{value} GPU시간을 신청했으나 상한은 {limit}입니다."),
    ),
    "duplicate": _Texts(
        (
            "The same request exists.",
            "Request {value} of the same fellow asks the same; change or withdraw one.",
        ),
        (
            "같은 신청이 있습니다.",
            "같은 연구자의 신청 {value}이(가) 동일합니다. 하나를 고치거나 철회하세요.",
        ),
    ),
    # Findings of a score import.
    "score-request-unknown": _Texts(
        ("The request is unknown.", "Row {row}: request {value} is not in the call."),
        ("없는 신청입니다.", "{row}행: 신청 {value}은(는) 이 공모에 없습니다."),
    ),
    "score-invalid": _Texts(
        (
            "The score is refused.",
            "Row {row}: {value} is no decimal from 0 to 100 with at most three places.",
        ),
        (
            "점수가 올바르지 않습니다.",
            "{row}행: {value}은(는) 0 이상 100 이하, 소수 셋째 자리까지의 수가 아닙니다.",
        ),
    ),
    "score-twice": _Texts(
        ("A reviewer scores twice.", "Row {row}: {value} has a score in this file already."),
        ("중복된 점수입니다.", "{row}행: {value}의 점수가 이 파일에 이미 있습니다."),
    ),
    "score-column": _Texts(
        ("The columns are refused.", "Row {row}: {value}; the columns are {limit}."),
        ("열이 올바르지 않습니다.", "{row}행: {value}. 열은 {limit}입니다."),
    ),
}
