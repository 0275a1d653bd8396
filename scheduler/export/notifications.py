"""Notifications in words, Korean and English."""

from collections.abc import Mapping
from typing import Final

from scheduler.domain.change_requests import ChangeRequestKind
from scheduler.domain.messages import Language
from scheduler.domain.notifications import PROPOSED, Notification
from scheduler.export.sentence import Sentence

WAITS: Final = Sentence(
    "두 번째 사람의 결정을 기다립니다: {subject}. 확인: dure pending list",
    "{subject} waits for a second person: dure pending list",
)
ASKED: Final = Sentence(
    "결정을 기다리는 신청이 있습니다: {subject}. 확인: dure change list",
    "{subject} was asked and waits for a decision: dure change list",
)
AGREED: Final = Sentence(
    "신청하거나 제안하신 것이 승인되었습니다: {subject}",
    "What you asked or proposed of {subject} was approved.",
)
REFUSED: Final = Sentence(
    "신청하거나 제안하신 것이 거절되었습니다: {subject}",
    "What you asked or proposed of {subject} was refused.",
)
CHANGE_REFUSED: Final = Sentence(
    "신청하신 변경이 거절되었습니다: {subject}. 이유: dure change list --all",
    "The change that you asked, {subject}, was refused; why: dure change list --all",
)
TEXTS: Final[Mapping[str, Sentence]] = {
    **{f"{kind}.proposed": WAITS for kind in (*PROPOSED, "capacity_change")},
    **{f"{kind}.approved": AGREED for kind in PROPOSED},
    **{f"{kind}.rejected": REFUSED for kind in PROPOSED},
    **{f"{kind}.filed": ASKED for kind in ChangeRequestKind},
    **{f"{kind}.rejected": CHANGE_REFUSED for kind in ChangeRequestKind},
    "award.offered": Sentence(
        "배정이 제안되었습니다: {subject}. 통지서: dure award letter {subject}",
        "You are offered award {subject}. The letter: dure award letter {subject}",
    ),
    "award.returned": Sentence("배정이 반납되었습니다: {subject}", "Award {subject} was returned."),
    "award.transferred": Sentence(
        "배정 시간이 이전되었습니다: {subject}", "Hours of award {subject} were handed on."
    ),
    "transfer.proposed": Sentence(
        "배정 시간의 이전이 제안되어 귀하의 동의를 기다립니다: {subject}. 확인: dure pending list",
        "It is proposed to hand on hours of award {subject}, if you agree: dure pending list",
    ),
    "award.expired": Sentence(
        "배정 기간이 끝났습니다: {subject}", "Award {subject} is over; what was unused has lapsed."
    ),
    "award.reclaim_noticed": Sentence(
        "미사용 시간이 회수될 예정입니다: {subject}. 확인: dure reclaim notices {subject}",
        "Unused hours of award {subject} are to be taken back: dure reclaim notices {subject}",
    ),
    "award.emptied": Sentence(
        "남은 시간이 모두 회수되어 배정이 끝났습니다: {subject}",
        "All that was left of award {subject} was taken back; it is over.",
    ),
    "award.balance_low": Sentence(
        "남은 시간이 10 % 이하입니다: {subject}. 확인: dure award usage {subject}",
        "A tenth or less of award {subject} is left. See: dure award usage {subject}",
    ),
    "award.balance_empty": Sentence(
        "남은 시간이 없습니다: {subject}. 추가 신청: dure change ask {subject}",
        "Nothing is left of award {subject}. Ask for more: dure change ask {subject}",
    ),
    "award.answer_due": Sentence(
        "사흘 안에 답하지 않으면 제안이 소멸됩니다: {subject}. 수락: dure award accept {subject}",
        "The offer of award {subject} lapses within three days: dure award accept {subject}",
    ),
    "award.exemption_due": Sentence(
        "사흘 안에 회수 면제 신청이 마감됩니다: {subject}. 확인: dure reclaim notices {subject}",
        "Within three days you can no longer ask that award {subject} be exempt from a reclaim: "
        "dure reclaim notices {subject}",
    ),
    "award.ending": Sentence(
        "두 주 안에 사용 기간이 끝납니다: {subject}. 확인: dure award usage {subject}",
        "Award {subject} ends within two weeks, with hours unused: dure award usage {subject}",
    ),
    "award.lapsed": Sentence(
        "기한 안에 응답이 없어 배정 제안이 소멸되었습니다: {subject}",
        "The offer of award {subject} has lapsed: nobody answered in time.",
    ),
    "award.reclaimed": Sentence(
        "미사용 시간이 회수되었습니다: {subject}",
        "Unused hours of award {subject} were taken back.",
    ),
    "award.adjusted": Sentence(
        "배정량이 조정되었습니다: {subject}", "The hours of award {subject} were adjusted."
    ),
    "award.supplemented": Sentence(
        "배정량이 늘었습니다: {subject}", "Award {subject} was given more hours."
    ),
    "award.extended": Sentence(
        "지난 시간이 뒤로 옮겨졌습니다: {subject}",
        "Passed hours of award {subject} were given again later.",
    ),
    "award.advanced": Sentence(
        "나중 시간이 앞으로 당겨졌습니다: {subject}",
        "Later hours of award {subject} were given earlier.",
    ),
    "award.moved": Sentence(
        "배정 시간이 다른 곳으로 옮겨졌습니다: {subject}",
        "Hours of award {subject} lie elsewhere now: dure award show {subject}",
    ),
    "award.cut": Sentence(
        "공급이 줄어 배정량이 줄었습니다: {subject}",
        "Award {subject} lost hours that the supply no longer carries.",
    ),
    "request.ineligible": Sentence(
        "신청이 부적격으로 결정되었습니다: {subject}", "Request {subject} was found ineligible."
    ),
    "call.extended": Sentence(
        "공모 마감이 연장되었습니다: {subject}", "The deadline of call {subject} was moved later."
    ),
    "call.closing": Sentence(
        "사흘 안에 공모가 마감됩니다: {subject}. 제출하지 않은 신청이 있습니다: dure request list",
        "Call {subject} closes within three days; a draft of yours is not submitted: "
        "dure request list",
    ),
    "round.continued": Sentence(
        "재배정이 준비되었습니다: {subject}. 확인: dure round scenarios {subject}",
        "A reallocation is being solved and waits for a selection: dure round scenarios {subject}",
    ),
    "round.selected": Sentence(
        "승인을 기다리는 회차입니다: {subject}", "Round {subject} waits for an approver."
    ),
    "round.approved": Sentence(
        "승인되어 발표할 수 있습니다: {subject}",
        "Round {subject} is approved; it may be published.",
    ),
    "round.rejected": Sentence(
        "회차의 선택이 반려되었습니다: {subject}", "The selection of round {subject} was sent back."
    ),
    "round.published": Sentence(
        "결과가 발표되었습니다: {subject}. 통지서: dure request letter 신청번호",
        "Round {subject} is published. The letter: dure request letter REQUEST",
    ),
}


def notification_text(notification: Notification, language: Language) -> str:
    """Return what a notification says."""
    return TEXTS[notification.kind].in_language(language).format(subject=notification.subject)
