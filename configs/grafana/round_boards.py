"""Dashboards of a round and of a group; texts in English and Korean."""

from typing import Final

from configs.grafana.panels import (
    COUNT,
    HOURS,
    RATIO,
    SINCE,
    Board,
    Limits,
    bars,
    lines,
    number,
)

_AT: Final = '{round=~"$round"}'
_OURS: Final = '{group=~"$group", round=~"$round"}'
_ROUND: Final = ("round", "label_values(dure_round_phase, round)")
_GROUP: Final = ("group", "label_values(dure_award_gpu_seconds, group)")
_RECENT: Final = "[$__rate_interval]"
_NET_USE: Final = (
    f"sum by (gpu_type) (dure_usage_gpu_seconds_total{_OURS}"
    f" - dure_usage_refunded_gpu_seconds_total{_OURS}) / 3600"
)

ROUND: Final = Board(
    name="round",
    title="Dure · Round",
    text="One round from its call to its last slot. 공모부터 마지막 슬롯까지 한 회차.",
    variables=(_ROUND,),
    panels=(
        number(
            "Phase",
            "Where the round is. 회차의 현재 단계.",
            COUNT,
            f"dure_round_phase{_AT} == 1",
            legend="{{phase}}",
        ),
        number(
            "Part of the calendar that has passed",
            "From the first slot to the last. 첫 슬롯부터 마지막 슬롯까지의 경과 비율.",
            RATIO,
            f"round:dure_elapsed:ratio{_AT}",
        ),
        number(
            "Oversubscription",
            "Demand over supply when the round was frozen. 동결 시점의 수요 대비 공급.",
            RATIO,
            f"round:dure_oversubscription:ratio{_AT}",
        ),
        number(
            "Utilization",
            "Allocated over supply. 공급 대비 할당 비율.",
            RATIO,
            f"round:dure_utilization:ratio{_AT}",
        ),
        bars(
            "Deadlines",
            "The call closes, the first slot begins, the last one ends. 마감과 시작, 종료 시각.",
            SINCE,
            (f"dure_round_deadline_timestamp_seconds{_AT} * 1000", "{{step}}"),
        ),
        bars(
            "Supply, demand and allocation by pool",
            "GPU-hours on the pool over the whole round. 회차 전체의 풀별 GPU 시간.",
            HOURS,
            (f"dure_capacity_gpu_seconds{_AT} / 3600", "{{pool}} supply"),
            (f"dure_demand_gpu_seconds{_AT} / 3600", "{{pool}} demand"),
            (f"dure_allocated_gpu_seconds{_AT} / 3600", "{{pool}} allocated"),
        ),
        bars(
            "Asked by institute and state",
            "Reference GPU-hours of the latest submissions. 최종 제출본의 기준 GPU 시간.",
            HOURS,
            (
                f"sum by (institute, state) (dure_request_gpu_seconds{_AT}) / 3600",
                "{{institute}} {{state}}",
            ),
        ),
        bars(
            "Given by institute and group",
            "GPU-hours of the ledger. 원장 기준 배정 시간.",
            HOURS,
            (f"round_group:dure_award_gpu_hours:sum{_AT}", "{{institute}} {{group}}"),
        ),
        lines(
            "Used part of the awards by group",
            "Compare with the part of the calendar that has passed. 경과 비율과 비교.",
            RATIO,
            (f"round_group:dure_used:ratio{_AT}", "{{group}}"),
            (f"round:dure_elapsed:ratio{_AT}", "calendar"),
            limits=Limits.FULL,
        ),
        lines(
            "Hours at risk",
            "Lapsing within 30 days, or used beyond what was held. 곧 소멸되거나 초과 사용된 시간.",
            HOURS,
            (
                f"sum by (round) (dure_award_expiring_gpu_seconds{_AT}) / 3600",
                "expiring {{round}}",
            ),
            (
                f"sum by (round) (dure_award_overspent_gpu_seconds{_AT}) / 3600",
                "overspent {{round}}",
            ),
        ),
        bars(
            "Fairness by policy",
            "Jain is 1 when all are equal, the others are 0. Jain은 1, 나머지는 0이 균등.",
            COUNT,
            (f"dure_fairness_index{_AT}", "{{policy}} {{index}}"),
        ),
        bars(
            "Gap by policy",
            "Distance between the latest plan and what is proved. 최신 계획과 증명된 한계의 차이.",
            RATIO,
            (f"dure_solve_gap_ratio{_AT}", "{{policy}}"),
            limits=Limits.GAP,
        ),
    ),
)
GROUP: Final = Board(
    name="group",
    title="Dure · Group",
    text="What a group asked, holds and uses. 연구단의 신청, 배정, 사용.",
    variables=(_ROUND, _GROUP),
    panels=(
        number(
            "Given",
            "GPU-hours of the group's awards. 연구단의 배정 시간.",
            HOURS,
            f"sum(round_group:dure_award_gpu_hours:sum{_OURS})",
        ),
        number(
            "Used",
            "As entered, less corrections. 정정을 반영한 사용 시간.",
            HOURS,
            f"sum(round_group:dure_usage_gpu_hours:sum{_OURS})",
        ),
        number(
            "Expiring within 30 days",
            "Unused hours of rounds that end soon. 곧 끝나는 회차의 미사용 시간.",
            HOURS,
            f"sum(dure_award_expiring_gpu_seconds{_OURS}) / 3600",
        ),
        number(
            "Overspent",
            "Used beyond what the awards held. 배정을 넘은 사용 시간.",
            HOURS,
            f"sum(dure_award_overspent_gpu_seconds{_OURS}) / 3600",
            limits=Limits.ZERO,
        ),
        lines(
            "Used part of the awards",
            "Compare with the part of the calendar that has passed. 경과 비율과 비교.",
            RATIO,
            (f"round_group:dure_used:ratio{_OURS}", "{{group}} ({{round}})"),
            (f"round:dure_elapsed:ratio{_AT}", "calendar ({{round}})"),
            limits=Limits.FULL,
        ),
        lines(
            "GPUs in use, as entered",
            "Entered GPU-seconds a second; late feeds come in steps. 입력된 초당 GPU 초.",
            COUNT,
            (
                f"sum by (gpu_type) (rate(dure_usage_gpu_seconds_total{_OURS}[$__rate_interval]))",
                "{{gpu_type}}",
            ),
        ),
        lines(
            "GPU-hours by GPU type",
            "Given and used. GPU 종류별 배정과 사용.",
            HOURS,
            (f"sum by (gpu_type) (dure_award_gpu_seconds{_OURS}) / 3600", "{{gpu_type}} given"),
            (_NET_USE, "{{gpu_type}} used"),
        ),
        bars(
            "Asked by state",
            "Reference GPU-hours of the latest submissions. 최종 제출본의 기준 GPU 시간.",
            HOURS,
            (f"sum by (state) (dure_request_gpu_seconds{_OURS}) / 3600", "{{state}}"),
        ),
    ),
)
