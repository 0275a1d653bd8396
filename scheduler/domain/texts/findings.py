"""What entry checks and score imports find, by code."""

from collections.abc import Mapping
from typing import Final

from scheduler.domain.texts.pair import Texts

FINDINGS: Final[Mapping[str, Texts]] = {
    "missing": Texts(
        ("Something is missing.", "{field} is not stated; the rule: {rule}."),
        ("빠진 항목이 있습니다.", "{field}이(가) 비어 있습니다. 규칙: {rule}."),
    ),
    "minimum-above-ask": Texts(
        (
            "The minimum lies above the ask.",
            "The minimum is {value} GPU-hours; it may be at most the {limit} asked.",
        ),
        (
            "최소량이 신청량보다 큽니다.",
            "최소량 {value} GPU시간은 신청량 {limit} 이하여야 합니다.",
        ),
    ),
    "window-outside-call": Texts(
        (
            "The window lies outside the call.",
            "The window is slots {value}; the call has slots 0 to {limit} (end excluded).",
        ),
        (
            "기간이 공모 범위를 벗어납니다.",
            "신청 기간은 슬롯 {value}이고, 공모의 슬롯은 0부터 {limit} 미만입니다.",
        ),
    ),
    "ask-above-window": Texts(
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
    "ask-above-supply": Texts(
        (
            "The pools cannot give this much.",
            "{value} GPU-hours are asked; the acceptable pools supply {limit} in the window.",
        ),
        (
            "풀의 공급량보다 많습니다.",
            "{value} GPU시간을 신청했으나 선택한 풀은 기간 안에 {limit}만 공급합니다.",
        ),
    ),
    "minimum-above-supply": Texts(
        (
            "The minimum is out of reach.",
            "The minimum is {value} GPU-hours; the acceptable pools supply {limit} in the window.",
        ),
        (
            "최소량을 채울 수 없습니다.",
            "최소량 {value} GPU시간은 선택한 풀의 기간 내 공급량 {limit}보다 많습니다.",
        ),
    ),
    "pool-not-offered": Texts(
        ("The pool is not offered.", "Pool {value} is not offered; the call offers {limit}."),
        ("제공되지 않는 풀입니다.", "풀 {value}은(는) 제공되지 않습니다. 공모의 풀: {limit}."),
    ),
    "speed-not-positive": Texts(
        ("A speed is not positive.", "The speed on the pool is {value}; it must be above 0."),
        ("속도는 0보다 커야 합니다.", "풀에서의 속도가 {value}입니다. 0보다 커야 합니다."),
    ),
    "no-pool-fits": Texts(
        (
            "No acceptable pool is large enough.",
            "{value} GPUs are used together; the largest acceptable pool has {limit}.",
        ),
        (
            "충분히 큰 풀이 없습니다.",
            "GPU {value}개를 함께 쓰지만 선택한 풀 중 가장 큰 것은 {limit}개입니다.",
        ),
    ),
    "gang-not-whole-nodes": Texts(
        (
            "The gang does not fill whole nodes.",
            "{value} GPUs together are more than a node; use a multiple of {limit} on pool {pool}.",
        ),
        (
            "노드 단위로 맞지 않습니다.",
            "GPU {value}개는 한 노드보다 큽니다. 풀 {pool}에서는 {limit}의 배수여야 합니다.",
        ),
    ),
    "gang-splits-node": Texts(
        (
            "The gang does not divide a node.",
            "{value} GPUs together leave part of a node of {limit} unused on pool {pool}.",
        ),
        (
            "노드에 남는 GPU가 생깁니다.",
            "GPU {value}개씩 쓰면 풀 {pool}의 {limit}개 노드에 남는 GPU가 생깁니다.",
        ),
    ),
    "gang-above-max": Texts(
        (
            "The gang is larger than the most GPUs.",
            "{value} GPUs are used together; at most {limit} are asked at once.",
        ),
        (
            "함께 쓰는 GPU가 최대보다 많습니다.",
            "함께 쓰는 GPU {value}개가 최대 동시 사용량 {limit}개보다 많습니다.",
        ),
    ),
    "max-not-whole-gangs": Texts(
        (
            "The most GPUs are not whole gangs.",
            "At most {value} GPUs are asked; that is no multiple of the {limit} used together.",
        ),
        (
            "최대 GPU 수가 묶음 단위로 맞지 않습니다.",
            "최대 GPU {value}개는 함께 쓰는 {limit}개의 배수가 아닙니다.",
        ),
    ),
    "block-slots-missing": Texts(
        ("The block has no length.", "Shape block needs block_slots, from 1 to {limit}."),
        ("블록 길이가 없습니다.", "블록 형태에는 1부터 {limit}까지의 block_slots가 필요합니다."),
    ),
    "block-slots-do-not-fit": Texts(
        (
            "The block does not fit the window.",
            "The block has {value} slots; the window has {limit}.",
        ),
        (
            "블록이 기간에 들어가지 않습니다.",
            "블록은 {value}슬롯이고 기간은 {limit}슬롯입니다.",
        ),
    ),
    "block-slots-unused": Texts(
        ("The block length is not used.", "block_slots is {value}; the shape is {limit}."),
        ("블록 길이는 쓰이지 않습니다.", "block_slots가 {value}이지만 형태는 {limit}입니다."),
    ),
    "track-unknown": Texts(
        ("The track is unknown.", "Track {value} is not in the call; its tracks: {limit}."),
        ("없는 트랙입니다.", "트랙 {value}은(는) 공모에 없습니다. 공모의 트랙: {limit}."),
    ),
    "after-unknown": Texts(
        (
            "The predecessor is unknown.",
            "Request {value} is not one of the same fellow's live requests in this call.",
        ),
        (
            "선행 신청을 찾을 수 없습니다.",
            "신청 {value}은(는) 이 공모에서 같은 연구자의 유효한 신청이 아닙니다.",
        ),
    ),
    "after-itself": Texts(
        ("A request cannot follow itself.", "Request {value} comes after itself."),
        ("자기 자신을 선행으로 둘 수 없습니다.", "신청 {value}이(가) 자신을 뒤따릅니다."),
    ),
    "too-many-requests": Texts(
        (
            "Too many requests.",
            "This would be live request {value} of the fellow; the call allows {limit}.",
        ),
        (
            "신청 건수가 너무 많습니다.",
            "연구자의 {value}번째 유효 신청입니다. 공모는 {limit}건까지 허용합니다.",
        ),
    ),
    "ask-above-cap": Texts(
        ("The ask is above the cap.", "{value} GPU-hours are asked; the cap is {limit}."),
        ("상한보다 많습니다.", "{value} GPU시간을 신청했으나 상한은 {limit}입니다."),
    ),
    "duplicate": Texts(
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
    "score-request-unknown": Texts(
        ("The request is unknown.", "Row {row}: request {value} is not in the call."),
        ("없는 신청입니다.", "{row}행: 신청 {value}은(는) 이 공모에 없습니다."),
    ),
    "score-invalid": Texts(
        (
            "The score is refused.",
            "Row {row}: {value} is no decimal from 0 to 100 with at most three places.",
        ),
        (
            "점수가 올바르지 않습니다.",
            "{row}행: {value}은(는) 0 이상 100 이하, 소수 셋째 자리까지의 수가 아닙니다.",
        ),
    ),
    "score-twice": Texts(
        ("A reviewer scores twice.", "Row {row}: {value} has a score in this file already."),
        ("중복된 점수입니다.", "{row}행: {value}의 점수가 이 파일에 이미 있습니다."),
    ),
    "score-column": Texts(
        ("The columns are refused.", "Row {row}: {value}; the columns are {limit}."),
        ("열이 올바르지 않습니다.", "{row}행: {value}. 열은 {limit}입니다."),
    ),
}
