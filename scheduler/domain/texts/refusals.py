"""What the center refuses, by code."""

from collections.abc import Mapping
from typing import Final

from scheduler.domain.texts.pair import Texts

REFUSALS: Final[Mapping[str, Texts]] = {
    "refused": Texts(
        ("The center refuses this.", "A rule of the center refuses this."),
        ("허용되지 않는 요청입니다.", "센터의 규칙에 따라 허용되지 않습니다."),
    ),
    "invalid-value": Texts(
        ("A value breaks a rule.", "{field} is {value}; the rule: {rule}."),
        ("값이 규칙에 맞지 않습니다.", "{field}의 값은 {value}입니다. 규칙: {rule}."),
    ),
    "not-found": Texts(
        ("Not found.", "There is no {kind} {id} that you may see."),
        ("찾을 수 없습니다.", "볼 수 있는 {kind} {id}이(가) 없습니다."),
    ),
    "unauthenticated": Texts(
        ("Sign in first.", "The token is {why}."),
        ("로그인이 필요합니다.", "토큰을 사용할 수 없습니다: {why}."),
    ),
    "forbidden": Texts(
        ("You may not do this.", "None of your roles allows {action}."),
        ("권한이 없습니다.", "현재 역할로는 {action}을(를) 할 수 없습니다."),
    ),
    "second-person-required": Texts(
        (
            "A second person is required.",
            "{action} needs someone else: {person} already is the {part}.",
        ),
        (
            "다른 사람의 승인이 필요합니다.",
            "{action}은(는) 다른 사람이 해야 합니다. {person}은(는) 이미 {part}입니다.",
        ),
    ),
    "version-mismatch": Texts(
        (
            "Someone changed it meanwhile.",
            "{kind} {id} is at version {current}, not {expected}. Read it again.",
        ),
        (
            "그사이 내용이 바뀌었습니다.",
            "{kind} {id}의 현재 버전은 {current}입니다({expected} 아님). 다시 읽어 주세요.",
        ),
    ),
    "already-exists": Texts(
        ("The id is taken.", "There is a {kind} {id} already."),
        ("이미 있는 이름입니다.", "{kind} {id}이(가) 이미 있습니다."),
    ),
    "invalid-transition": Texts(
        (
            "The state does not allow this.",
            "{kind} {id} is {state}: {action} is not possible. Possible now: {allowed}.",
        ),
        (
            "현재 상태에서는 할 수 없습니다.",
            "{kind} {id}의 상태는 {state}입니다. {action} 불가. 지금 가능한 일: {allowed}.",
        ),
    ),
    "call-not-open": Texts(
        ("The call is not open.", "Call {call} opens at {opens_at}."),
        ("아직 공모가 열리지 않았습니다.", "공모 {call}은(는) {opens_at}에 열립니다."),
    ),
    "call-closed": Texts(
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
    "call-still-open": Texts(
        ("The call is still open.", "Call {call} takes requests until {closes_at}."),
        ("공모가 아직 진행 중입니다.", "공모 {call}은(는) {closes_at}까지 접수합니다."),
    ),
    "deadline-not-later": Texts(
        (
            "A deadline only moves later.",
            "Call {call} closes at {closes_at}; {asked} is not later than that and than now.",
        ),
        (
            "마감은 뒤로만 미룰 수 있습니다.",
            "공모 {call}의 마감은 {closes_at}입니다. {asked}은(는) 마감과 현재보다 뒤가 아닙니다.",
        ),
    ),
    "request-not-ready": Texts(
        ("The request is not ready.", "Request {request} has {count} error(s) to mend first."),
        ("신청서를 아직 제출할 수 없습니다.", "신청 {request}에 고칠 오류가 {count}개 있습니다."),
    ),
    "policy-not-locked": Texts(
        (
            "The policy is not locked.",
            "Version {policy_version} of policy {policy} must be locked first.",
        ),
        (
            "정책이 잠기지 않았습니다.",
            "정책 {policy}의 버전 {policy_version}을(를) 먼저 잠가야 합니다.",
        ),
    ),
    "seed-not-sealed": Texts(
        (
            "The seed of the lottery is not sealed.",
            "Policy {policy} draws lots; call {call} must state its seed_seal before it opens.",
        ),
        (
            "추첨 시드가 봉인되지 않았습니다.",
            "정책 {policy}은(는) 추첨을 합니다. 공모 {call}에 seed_seal을 먼저 적어야 합니다.",
        ),
    ),
    "seed-not-revealed": Texts(
        (
            "The seed of the lottery is not revealed.",
            "Round {round} is drawn with its sealed seed; reveal seed and salt first.",
        ),
        (
            "추첨 시드가 공개되지 않았습니다.",
            "회차 {round}은(는) 봉인된 시드로 추첨합니다. 시드와 솔트를 먼저 공개해야 합니다.",
        ),
    ),
    "seed-mismatch": Texts(
        (
            "This is not the sealed seed.",
            "Seed {seed} is not the one that the call of round {round} was sealed with.",
        ),
        (
            "봉인된 시드가 아닙니다.",
            "시드 {seed}은(는) 회차 {round}의 공모에 봉인된 시드가 아닙니다.",
        ),
    ),
    "invalid-policy": Texts(
        ("The policy is refused.", "Policy {policy}: {rule}"),
        ("정책 내용이 올바르지 않습니다.", "정책 {policy}: {rule}"),
    ),
    "invalid-scores": Texts(
        ("The scores are refused.", "{count} row(s) are wrong; none was taken."),
        (
            "점수를 받을 수 없습니다.",
            "{count}개 행이 잘못되었습니다. 아무것도 저장하지 않았습니다.",
        ),
    ),
    "invalid-round-file": Texts(
        ("The round file is refused.", "{rule}"),
        ("회차 파일이 올바르지 않습니다.", "{rule}"),
    ),
    "nothing-to-freeze": Texts(
        ("There is nothing to decide on.", "Call {call} has no valid submission for {round}."),
        ("확정할 신청이 없습니다.", "공모 {call}에 회차 {round}에 쓸 유효한 신청이 없습니다."),
    ),
    "scenario-mismatch": Texts(
        (
            "This is another scenario.",
            "Round {round} has selected {expected}; the act names {got}.",
        ),
        (
            "다른 시나리오입니다.",
            "회차 {round}이(가) 고른 시나리오는 {expected}이며, 요청은 {got}을(를) 가리킵니다.",
        ),
    ),
    "not-verified": Texts(
        (
            "The plan breaks a rule.",
            "The checker found {count} broken rule(s) in scenario {scenario}.",
        ),
        (
            "배분안이 규칙을 어깁니다.",
            "검사기가 시나리오 {scenario}에서 위반 {count}건을 찾았습니다. 게시하지 않습니다.",
        ),
    ),
    "holdings-changed": Texts(
        (
            "What awards hold has changed.",
            "{awards} changed since round {round} was frozen ({count}). Reallocate again.",
        ),
        (
            "배정 내용이 바뀌었습니다.",
            "회차 {round} 동결 뒤 {count}건이 바뀌었습니다: {awards}. 재배정을 새로 시작하십시오.",
        ),
    ),
    "appeal-closed": Texts(
        ("Too late to appeal.", "Appeals on award {award} were possible until {closed_at}."),
        ("이의 신청 기간이 지났습니다.", "배정 {award}의 이의 신청 기한은 {closed_at}입니다."),
    ),
    "offer-lapsed": Texts(
        ("Too late to accept.", "The offer of award {award} could be accepted until {answer_by}."),
        ("수락 기한이 지났습니다.", "배정 {award}의 제안은 {answer_by}까지 수락할 수 있었습니다."),
    ),
    "return-too-large": Texts(
        ("More than is held.", "Award {award} holds {held} GPU-hours; {returned} cannot return."),
        (
            "보유한 양보다 많습니다.",
            "배정 {award}의 보유량은 {held} GPU시간입니다. {returned}은(는) 반납할 수 없습니다.",
        ),
    ),
    "balance-too-small": Texts(
        (
            "The account does not hold as much.",
            "{account} can give {available} GPU-seconds; {amount} were to leave.",
        ),
        (
            "계정 잔액이 부족합니다.",
            "{account}에서 쓸 수 있는 양은 {available} GPU초인데 {amount} GPU초를 옮기려 했습니다.",
        ),
    ),
    "notice-running": Texts(
        ("The notice is not over.", "Proposal {proposal} takes effect from {not_before} on."),
        ("예고 기간이 끝나지 않았습니다.", "제안 {proposal}은(는) {not_before}부터 시행됩니다."),
    ),
    "party-required": Texts(
        (
            "It is another's to agree.",
            "Proposal {proposal} takes effect only if {party} agrees; {person} cannot.",
        ),
        (
            "당사자의 동의가 필요합니다.",
            "제안 {proposal}은(는) {party}의 동의로만 시행되며 {person}은(는) 할 수 없습니다.",
        ),
    ),
    "invalid-usage": Texts(
        ("The usage file is refused.", "Row {row}: {value}; the rule: {rule}. Nothing was taken."),
        ("사용 기록을 받을 수 없습니다.", "{row}행: {value}. 규칙: {rule}. 반영된 것은 없습니다."),
    ),
    "undated-round": Texts(
        ("The round has no dates.", "The calendar of round {round} has no first day."),
        ("날짜가 없는 회차입니다.", "회차 {round}의 일정에는 시작일이 없습니다."),
    ),
    "exemptions-waiting": Texts(
        (
            "Exemptions wait.",
            "{count} exemptions from reclaim {reclaim} are undecided; decide them first.",
        ),
        (
            "결정되지 않은 면제 신청이 있습니다.",
            "회수 {reclaim}에 대한 면제 신청 {count}건을 먼저 결정해야 합니다.",
        ),
    ),
    "exemption-too-late": Texts(
        (
            "Too late for an exemption.",
            "Exemptions from reclaim {reclaim} could be asked until {until}.",
        ),
        (
            "면제 신청 기한이 지났습니다.",
            "회수 {reclaim}의 면제 신청 기한은 {until}이었습니다.",
        ),
    ),
    "already-founded": Texts(
        ("The center is founded.", "The first administrators exist; they grant further roles."),
        ("이미 설치된 센터입니다.", "첫 관리자가 있습니다. 역할은 관리자가 부여합니다."),
    ),
    "idempotency-key-reused": Texts(
        ("The key is used.", "Idempotency-Key {key} was used with another body."),
        ("이미 쓴 키입니다.", "Idempotency-Key {key}은(는) 다른 내용에 쓰였습니다."),
    ),
    "idempotency-in-flight": Texts(
        ("The first try is still running.", "Try again soon with the same key {key}."),
        ("처리 중입니다.", "같은 키 {key}로 잠시 후 다시 시도하세요."),
    ),
    "lease-lost": Texts(
        ("Another worker holds the job.", "Job {job} is at fence {current}, not {fence}."),
        (
            "다른 작업자가 맡았습니다.",
            "작업 {job}의 현재 펜스는 {current}입니다({fence} 아님).",
        ),
    ),
    "store-unavailable": Texts(
        ("The store takes no writes.", "Nothing was written: {why}. Try again later."),
        ("저장할 수 없습니다.", "아무것도 저장하지 않았습니다: {why}. 나중에 다시 시도하세요."),
    ),
    "store-busy": Texts(
        ("The store is busy.", "Nothing was written: {why}. Try again in a moment."),
        ("저장소가 바쁩니다.", "아무것도 저장하지 않았습니다: {why}. 잠시 후 다시 시도하세요."),
    ),
}
