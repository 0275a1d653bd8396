"""What the dashboards show: one panel a question, told in English and Korean."""

from typing import Final

from configs.grafana.panels import (
    COUNT,
    HOURS,
    PER_SECOND,
    RATIO,
    SECONDS,
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
_HALF: Final = (
    "histogram_quantile(0.5, sum by (le)"
    f" (rate(dure_http_request_duration_seconds_bucket{_RECENT})))"
)
_ANSWERS: Final = (
    f"sum by (method, route) (rate(dure_http_request_duration_seconds_count{_RECENT}))"
)

CENTER: Final = Board(
    name="center",
    title="Dure · Center",
    text="The center at a glance. 센터 한눈에 보기.",
    panels=(
        number(
            "GPUs available now",
            "After approved capacity changes. 승인된 용량 변경을 반영한 현재 GPU 수.",
            COUNT,
            "sum(dure_capacity_available_gpus)",
        ),
        number(
            "GPUs committed now",
            "What live awards take in the slot that runs. 현재 슬롯에서 배정이 차지하는 GPU 수.",
            COUNT,
            "sum(dure_capacity_committed_gpus)",
        ),
        number(
            "Part of the awards that is used",
            "Used over given, all rounds. 전체 회차에서 배정 대비 사용 비율.",
            RATIO,
            'sum(round_group:dure_usage_gpu_hours:sum{round!="none"})'
            " / sum(round_group:dure_award_gpu_hours:sum)",
            limits=Limits.FULL,
        ),
        number(
            "Wrong accounts in the ledger",
            "Must be 0; otherwise run `dure ledger check`. 반드시 0이어야 함.",
            COUNT,
            "sum(dure_ledger_wrong_accounts)",
            limits=Limits.ZERO,
        ),
        lines(
            "Capacity and commitment by pool",
            "A commitment above the capacity breaks promises. 약속이 용량을 넘으면 안 됨.",
            COUNT,
            ("sum by (pool) (dure_capacity_available_gpus)", "{{pool}} available"),
            ("sum by (pool) (dure_capacity_committed_gpus)", "{{pool}} committed"),
        ),
        lines(
            "GPU-hours used by institute",
            "As entered, less corrections. 정정을 반영한 기관별 사용량.",
            HOURS,
            (
                'sum by (institute) (round_group:dure_usage_gpu_hours:sum{round!="none"})',
                "{{institute}}",
            ),
        ),
        bars(
            "Used part of the awards by group",
            "Above 1 a group was let use more than it held. 1을 넘으면 초과 사용.",
            RATIO,
            ("round_group:dure_used:ratio", "{{group}} ({{round}})"),
            limits=Limits.FULL,
        ),
        bars(
            "GPU-hours that awards lost",
            "Reclaimed by rule, returned, or expired unused. 회수, 반납, 소멸된 시간.",
            HOURS,
            ("sum by (reason) (dure_reclaim_gpu_seconds_total) / 3600", "{{reason}}"),
        ),
        lines(
            "Where every GPU-hour is",
            "Balances of the ledger by kind of account; they add up to 0. 계정 종류별 잔액.",
            HOURS,
            ("sum by (account) (dure_ledger_gpu_seconds) / 3600", "{{account}}"),
        ),
        lines(
            "GPU-hours outside any award",
            "Use that fits no award. 어느 배정에도 속하지 않는 사용량.",
            HOURS,
            ('sum(round_group:dure_usage_gpu_hours:sum{round="none"})', "outside"),
        ),
    ),
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
OPERATIONS: Final = Board(
    name="operations",
    title="Dure · Operations",
    text="The service, its queue and its feeds. 서비스, 대기열, 수집.",
    panels=(
        number(
            "Servers up",
            "Scraped servers of the job dure. 수집 중인 서버 수.",
            COUNT,
            'sum(up{job="dure"})',
        ),
        number(
            "Oldest waiting job",
            "How long it has waited for a worker. 가장 오래 기다린 작업의 대기 시간.",
            SECONDS,
            "dure_queue_oldest_seconds",
            limits=Limits.WAIT,
        ),
        number(
            "Errors of the server",
            "Part of all answers, over five minutes. 5분간 서버 오류 비율.",
            RATIO,
            "job:dure_http_errors:ratio_rate5m",
            limits=Limits.ERRORS,
        ),
        number(
            "Alerts",
            "Pending and firing. 대기 중이거나 발생한 경보.",
            COUNT,
            'count(ALERTS{alertname=~"Dure.+"})',
        ),
        lines(
            "Latency",
            "99 % and half of the answers are faster. 응답의 99 %와 50 %가 이보다 빠름.",
            SECONDS,
            ("job:dure_http_latency_seconds:p99_rate5m", "p99"),
            (_HALF, "p50"),
            limits=Limits.LATENCY,
        ),
        lines(
            "Answers by route",
            "A second. 경로별 초당 응답 수.",
            PER_SECOND,
            (_ANSWERS, "{{method}} {{route}}"),
        ),
        lines(
            "Jobs by state",
            "What workers have and have not done. 상태별 작업 수.",
            COUNT,
            ("sum by (state) (dure_queue_jobs)", "{{state}}"),
        ),
        lines(
            "Changes",
            "Entries of the log a second. 초당 기록 수.",
            COUNT,
            ("sum(rate(dure_events_total[$__rate_interval]))", "events"),
        ),
        lines(
            "Age of the feeds",
            "Since each was last entered. 마지막 수집 이후 경과 시간.",
            SECONDS,
            (
                "time() - max by (source, cluster) (dure_importer_last_success_timestamp_seconds)",
                "{{source}} {{cluster}}",
            ),
            limits=Limits.AGE,
        ),
        lines(
            "Age of the ledger's proof",
            "Since all sums were derived anew. 전체 재계산 이후 경과 시간.",
            SECONDS,
            ("time() - dure_ledger_derived_timestamp_seconds", "{{instance}}"),
            limits=Limits.AGE,
        ),
        bars(
            "Time of the latest solves",
            "By round and policy. 회차와 정책별 풀이 시간.",
            SECONDS,
            ("dure_solve_duration_seconds", "{{round}} {{policy}}"),
        ),
        bars(
            "Versions",
            "Of the running servers. 실행 중인 버전.",
            COUNT,
            ("count by (version) (dure_build_info)", "{{version}}"),
        ),
    ),
)
BOARDS: Final = (CENTER, ROUND, GROUP, OPERATIONS)
