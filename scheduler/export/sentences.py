"""The sentences of explanations and conflicts: one place, two languages."""

from collections.abc import Mapping
from typing import Final

from scheduler.export.sentence import Sentence
from solver.problem import Unit
from solver.reasons import Why

UNITS: Final[Mapping[Unit, Sentence]] = {
    Unit.SERVICE_UNITS: Sentence("서비스 단위", "service units"),
    Unit.REFERENCE_HOURS: Sentence("기준 GPU시간", "reference GPU-hours"),
}

HEADINGS: Final[Mapping[str, Sentence]] = {
    "funded": Sentence(
        "신청 {request}: 신청량 {asked} GPU시간 가운데 {awarded} GPU시간 배정 "
        "(최소량 {minimum}, 점수 {score}).",
        "Request {request}: {awarded} of the {asked} GPU-hours asked are awarded "
        "(minimum {minimum}, score {score}).",
    ),
    "reserve": Sentence(
        "신청 {request}: 신청량 {asked} GPU시간, 배정 없음, 예비 순위 {rank}번 "
        "(최소량 {minimum}, 점수 {score}).",
        "Request {request}: none of the {asked} GPU-hours asked are awarded; it is number {rank} "
        "on the reserve list (minimum {minimum}, score {score}).",
    ),
    "declined": Sentence(
        "신청 {request}: 신청량 {asked} GPU시간, 배정 없음, 예비 순위 없음 "
        "(최소량 {minimum}, 점수 {score}).",
        "Request {request}: none of the {asked} GPU-hours asked are awarded, and it is not on the "
        "reserve list (minimum {minimum}, score {score}).",
    ),
    "standing": Sentence(
        "펠로우 {fellow}: 권리량 {fellow_entitlement}, 배정 {fellow_received} {unit}. "
        "연구단 {group}: 권리량 {group_entitlement}, 배정 {group_received} {unit}.",
        "Fellow {fellow} is entitled to {fellow_entitlement} and receives {fellow_received} "
        "{unit}; group {group} is entitled to {group_entitlement} and receives {group_received}.",
    ),
    "request": Sentence("신청", "request"),
    "fellow": Sentence("펠로우", "fellow"),
    "group": Sentence("연구단", "group"),
    "institute": Sentence("기관", "institute"),
    "track": Sentence("트랙", "track"),
}

REASONS: Final[Mapping[Why, Sentence]] = {
    Why.ASK_REACHED: Sentence(
        "신청량 {asked} GPU시간이 모두 배정되었습니다.",
        "All {asked} GPU-hours that were asked are awarded.",
    ),
    Why.VETOED: Sentence(
        "운영자가 이 신청을 배정에서 제외했습니다.",
        "The operator vetoed this request.",
    ),
    Why.NEVER_FITS: Sentence(
        "다른 신청이 하나도 없어도 기간 안의 풀({pools})에서 얻을 수 있는 양은 {reach} "
        "GPU시간이며, 최소량은 {minimum} GPU시간입니다.",
        "Even alone in the round it gets at most {reach} GPU-hours of its pools ({pools}) in its "
        "window; its minimum is {minimum}.",
    ),
    Why.PREDECESSOR: Sentence(
        "선행 신청 {requests}에 배정이 없습니다.",
        "It comes after request {requests}, which is not funded.",
    ),
    Why.FELLOW_CAP: Sentence(
        "펠로우 상한 {cap} {unit} 가운데 {received} 사용, 다음 배정에 필요한 양은 {step}입니다.",
        "The cap for one fellow is {cap} {unit}; {received} are awarded and the next step needs "
        "{step}.",
    ),
    Why.GROUP_CAP: Sentence(
        "연구단 상한 {cap} {unit} 가운데 {received} 사용, 다음 배정에 필요한 양은 {step}입니다.",
        "The cap of the group is {cap} {unit}; {received} are awarded and the next step needs "
        "{step}.",
    ),
    Why.INSTITUTE_CAP: Sentence(
        "기관 상한 {cap} {unit} 가운데 {received} 사용, 다음 배정에 필요한 양은 {step}입니다.",
        "The cap of the institute is {cap} {unit}; {received} are awarded and the next step needs "
        "{step}.",
    ),
    Why.TRACK_CAP: Sentence(
        "트랙 상한 {cap} {unit} 가운데 {received} 사용, 다음 배정에 필요한 양은 {step}입니다.",
        "The cap of the track is {cap} {unit}; {received} are awarded and the next step needs "
        "{step}.",
    ),
    Why.OWN_LIMIT: Sentence(
        "다른 신청이 하나도 없어도 이 신청의 기간과 GPU {most_gpus_count}개로 얻을 수 있는 양은 "
        "{reach} GPU시간입니다.",
        "Even alone in the round, its window and its {most_gpus_count} GPUs bring at most {reach} "
        "GPU-hours.",
    ),
    Why.SUPPLY_FULL: Sentence(
        "기간 안의 풀({pools}) 공급 {supply} GPU시간 가운데 {free} GPU시간만 남았으며, "
        "이 신청이 더 쓸 수 있는 자리가 없습니다.",
        "Its pools ({pools}) have {supply} GPU-hours in its window, of which {free} are left; none "
        "of them can be added to it.",
    ),
    Why.SINGLE_POOL: Sentence(
        "한 풀에만 배치하는 신청입니다. 배치된 풀({pools})은 가득 찼고, 남은 GPU시간은 다른 풀에 "
        "있습니다.",
        "It wants a single pool; {pools} is full, and what is left lies in other pools.",
    ),
    Why.WHOLE_SHAPE: Sentence(
        "모든 슬롯에 같은 GPU 수가 필요한 신청입니다. 한 단계 더 큰 배정은 풀({pools})에 들어가지 "
        "않습니다.",
        "It needs the same GPUs in every slot; the next larger shape does not fit into {pools}.",
    ),
    Why.MINIMUM_ABOVE_REST: Sentence(
        "배정 후 기간 안의 풀({pools}) 공급 {supply} GPU시간 가운데 {free} GPU시간이 남았고, "
        "이 신청이 쓸 수 있는 양은 {left} GPU시간으로 최소량 {minimum} GPU시간보다 적습니다.",
        "Of the {supply} GPU-hours of its pools ({pools}) in its window {free} are left; it could "
        "use {left}, less than its minimum of {minimum}.",
    ),
    Why.BEYOND_RESERVE: Sentence(
        "예비 순위는 {reserve_count}번까지이며, 점수 {score}인 이 신청은 그 뒤에 있습니다.",
        "The reserve list ends at number {reserve_count}; with a score of {score} this request "
        "stands behind it.",
    ),
    Why.HELD: Sentence(
        "보유한 {awarded} GPU시간을 그대로 유지합니다. 자리를 옮긴 양은 {moved} GPU시간입니다.",
        "It keeps the {awarded} GPU-hours that it holds; {moved} GPU-hours lie elsewhere now.",
    ),
    Why.CUT: Sentence(
        "보유한 {held} GPU시간 가운데 {awarded} GPU시간이 남습니다. 줄어든 공급으로 나머지를 "
        "감당할 수 없고, 정책은 점수 순서로 줄이도록 정하고 있습니다.",
        "Of the {held} GPU-hours that it held {awarded} are left: the supply no longer carries the "
        "rest, and the policy cuts by rank.",
    ),
    Why.PASSED_OVER: Sentence(
        "예비 순위 {rank_count}번의 차례에 앞선 신청들 곁에 풀({pools})에서 얻을 수 있던 양은 "
        "{left} GPU시간으로 최소량 {minimum} GPU시간에 이르지 못했습니다. 뒤 순위 가운데 "
        "{behind_count}건은 남은 자리에 들어가 배정되었습니다.",
        "When its turn came as number {rank_count} in line, {left} GPU-hours of its pools "
        "({pools}) were left beside those before it, and its minimum is {minimum}; {behind_count} "
        "requests behind it fitted into what was left.",
    ),
    Why.OUTRANKED: Sentence(
        "같은 풀과 기간에서 배정받은 신청 {served_count}건 가운데 {above_count}건의 점수가 "
        "이 신청의 점수 {score}보다 높습니다. 배정받은 가장 낮은 점수는 {lowest_score}입니다.",
        "Of the {served_count} requests served in its pools and window {above_count} have a higher "
        "score than its {score}; the lowest score served is {lowest_score}.",
    ),
    Why.LOWEST_BAND: Sentence(
        "점수 {score}인 이 신청은 배정하지 않는 구간에 있습니다.",
        "With a score of {score} it is in the band that is not funded.",
    ),
    Why.DRAWN_LATE: Sentence(
        "추첨 구간의 신청 {drawn_count}건 가운데 {place_count}번째로 뽑혔으며, 그때 이 신청의 풀에 "
        "남은 자리가 모자랐습니다.",
        "It was drawn as number {place_count} of the {drawn_count} requests in the band of the "
        "draw; when its turn came, too little was left of its pools.",
    ),
    Why.FELLOW_SHARE: Sentence(
        "펠로우의 권리량 {entitlement} {unit}에 대해 {received}만큼 배정되었습니다. 더 늘리려면 "
        "다른 사람의 몫이 필요합니다.",
        "The fellow is entitled to {entitlement} {unit} and receives {received}; more would have "
        "come from others.",
    ),
    Why.GROUP_SHARE: Sentence(
        "연구단의 권리량 {entitlement} {unit}에 대해 {received}만큼 배정되었습니다. 더 늘리려면 "
        "다른 연구단의 몫이 필요합니다.",
        "The group is entitled to {entitlement} {unit} and receives {received}; more would have "
        "come from other groups.",
    ),
    Why.MINIMUM_ABOVE_SHARE: Sentence(
        "이 신청의 최소량은 {minimum_units} {unit}입니다. 펠로우의 권리량은 {entitlement}이며 "
        "그 가운데 {received}만큼은 다른 신청에 배정되었습니다.",
        "Its minimum costs {minimum_units} {unit}; the fellow is entitled to {entitlement}, of "
        "which {received} went to other requests.",
    ),
    Why.GOALS_FIRST: Sentence(
        "자리는 남아 있으나(신청량 {asked}, 배정 {awarded} GPU시간) 정책의 앞선 목표를 더 "
        "잘 이루는 배정이 선택되었습니다.",
        "There is room for it (asked {asked}, awarded {awarded} GPU-hours), but the goals of the "
        "policy are served better this way.",
    ),
}

CONFLICTS: Final[Mapping[str, Sentence]] = {
    "pinned_and_vetoed": Sentence(
        "신청 {request}: 고정과 제외가 동시에 지정되었습니다. 둘 중 하나만 가능합니다.",
        "Request {request} is pinned and vetoed at once; only one of them can hold.",
    ),
    "precedence_cycle": Sentence(
        "신청 {requests}: 서로를 선행 신청으로 기다립니다. 순환하는 선행 관계는 불가능합니다.",
        "Requests {requests} wait for each other; a request cannot come after itself.",
    ),
    "predecessor_vetoed": Sentence(
        "신청 {request}: 반드시 배정해야 하지만 선행 신청 {others}: 제외되었습니다.",
        "Request {request} must be funded, but it comes after request {others}, which is vetoed.",
    ),
    "guarantee_beyond_reach": Sentence(
        "신청 {request}: 보장된 최소량 {minimum} GPU시간, 기간 안의 풀({pools})에서 "
        "단독으로 얻을 수 있는 최대량 {reach} GPU시간. 보장은 도달 가능한 양 이하여야 합니다.",
        "Request {request} is guaranteed {minimum} GPU-hours; alone in its pools ({pools}) and "
        "window it reaches {reach}.",
    ),
    "gang_beyond_pools": Sentence(
        "신청 {request}: 함께 쓰는 GPU의 한 시간은 {gang} GPU시간, 풀({pools})이 한 슬롯에 "
        "줄 수 있는 최대량은 {largest} GPU시간입니다.",
        "Request {request} must be funded in gangs of {gang} GPU-hours; no slot of its pools "
        "({pools}) gives it more than {largest}.",
    ),
    "block_beyond_window": Sentence(
        "신청 {request}: 연속 {block_slots}개 슬롯이 필요하지만 기간은 {window_slots}개 "
        "슬롯입니다.",
        "Request {request} must be funded over {block_slots} consecutive slots; its window has "
        "{window_slots}.",
    ),
    "no_room_after": Sentence(
        "신청 {request}: 선행 신청({others}) 다음에 빨라야 슬롯 {earliest_slot}에 시작하고 슬롯 "
        "{slots}개가 필요하지만, 기간은 슬롯 {end_slot} 앞에서 끝납니다.",
        "Request {request} must be funded after {others}: it starts in slot {earliest_slot} at the "
        "earliest and takes {slots} slots, but its window ends before slot {end_slot}.",
    ),
    "guarantees_beyond_supply": Sentence(
        "신청 {requests}: 보장된 최소량 합계 {needed} GPU시간, 기간 안의 풀({pools})에서 "
        "함께 얻을 수 있는 최대량 {reach} GPU시간. 보장의 합은 공급 이하여야 합니다.",
        "Requests {requests} are guaranteed {needed} GPU-hours together; their pools ({pools}) can "
        "give them {reach} in their windows.",
    ),
    "guarantees_beyond_caps": Sentence(
        "{holders}: 보장된 최소량 합계 {needed} GPU시간, 상한 안에서 얻을 수 있는 최대량 {reach} "
        "GPU시간. 보장과 상한을 함께 지킬 수 없습니다.",
        "The guarantees and caps of {holders} cannot hold together: {needed} GPU-hours are "
        "guaranteed, {reach} can be had under the caps.",
    ),
    "floors_beyond_supply": Sentence(
        "{holders}: 하한과 보장의 합계 {needed}, 공급에서 얻을 수 있는 최대량 {reach}. 하한의 합은 "
        "공급 이하여야 합니다.",
        "The floors of {holders} need {needed} together; the supply can give {reach} of that.",
    ),
    "floors_beyond_caps": Sentence(
        "{holders}: 하한과 보장의 합계 {needed}, 상한 안에서 얻을 수 있는 최대량 {reach}. 하한과 "
        "상한을 함께 지킬 수 없습니다.",
        "The floors and caps of {holders} cannot hold together: the floors need {needed}, {reach} "
        "of that can be had under the caps.",
    ),
    "beyond_whole_hours": Sentence(
        "{holders}: 보장, 하한, 상한을 온전한 GPU 묶음의 시간으로는 함께 지킬 수 없습니다. 묶음 "
        "크기, 모양, 최소량 때문에 쪼갠 시간으로만 가능합니다.",
        "The guarantees, floors and caps of {holders} cannot be kept together in whole gang-hours: "
        "gangs, shapes and minimums leave them too little.",
    ),
    "no_whole_plan": Sentence(
        "모든 규칙을 온전한 GPU 묶음으로 함께 지키는 계획이 없습니다. 개별 규칙만으로는 원인이 "
        "드러나지 않습니다.",
        "No plan of whole gang-hours keeps every rule, though no smaller set of rules shows why.",
    ),
}
