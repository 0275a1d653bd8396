"""Why a solve ended without a scenario, by code."""

from collections.abc import Mapping
from typing import Final

from scheduler.domain.texts.pair import Texts

FAILURES: Final[Mapping[str, Texts]] = {
    "no-plan": Texts(
        (
            "There is no plan.",
            "The solver says {status}. {conflicts}",
        ),
        (
            "배분안이 없습니다.",
            "풀이 결과: {status}. {conflicts}",
        ),
    ),
    "search-ended": Texts(
        ("No plan was found.", "The search ended before any plan was found."),
        ("배분안을 찾지 못했습니다.", "배분안을 찾기 전에 탐색이 끝났습니다."),
    ),
    "formula-fails": Texts(
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
    "solver-crashed": Texts(
        ("The solver broke down.", "Its last words: {said}"),
        ("풀이 프로그램이 중단되었습니다.", "마지막 기록: {said}"),
    ),
    "solver-overran": Texts(
        ("The solver took too long.", "It was ended after {seconds} seconds."),
        ("풀이 시간이 초과되었습니다.", "{seconds}초 뒤에 종료했습니다."),
    ),
    "out-of-memory": Texts(
        ("The solver ran out of memory.", "It may use {memory_mib} MiB."),
        ("풀이에 쓸 메모리가 부족합니다.", "한도는 {memory_mib} MiB입니다."),
    ),
    "too-many-attempts": Texts(
        ("The solve was given up.", "{attempts} workers fell silent while they did it."),
        ("풀이를 포기했습니다.", "작업자 {attempts}개가 풀이 중에 응답을 멈췄습니다."),
    ),
    "cancelled": Texts(
        ("The solve was cancelled.", "{by} stopped it."),
        ("풀이가 취소되었습니다.", "{by}이(가) 중단했습니다."),
    ),
}
