"""Dashboards of the center and its service; texts in English and Korean."""

from typing import Final

from configs.grafana.panels import (
    COUNT,
    HOURS,
    PER_SECOND,
    RATIO,
    SECONDS,
    Board,
    Limits,
    bars,
    lines,
    number,
)

_RECENT: Final = "[$__rate_interval]"
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
        lines(
            "GPUs in use, as the controllers count",
            "Beside the books; by institute. 제어기가 집계한 기관별 사용 중 GPU.",
            COUNT,
            ("sum by (institute) (dure_controller_running_gpus)", "{{institute}}"),
            width=24,
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
            "Books against the cluster",
            "Differences of the latest reconciliation, by what they are. 최근 대조의 차이.",
            HOURS,
            (
                "sum by (source, state) (dure_reconciliation_difference_gpu_seconds) / 3600",
                "{{source}} {{state}}",
            ),
        ),
        lines(
            "Drift of the clusters",
            "Limits that are not what the center told. 센터의 지시와 다른 클러스터 한도 수.",
            COUNT,
            ("sum by (target) (dure_enforcement_drift_associations)", "{{target}}"),
            limits=Limits.ZERO,
        ),
        lines(
            "Changes that clusters have not applied",
            "How many wait, and for how long. 아직 적용되지 않은 변경 수.",
            COUNT,
            ("sum by (target) (dure_enforcement_waiting_effects)", "{{target}}"),
        ),
        lines(
            "Mails and webhooks",
            "Delivered, waiting, given up. 전달, 대기, 포기된 메일과 웹훅 수.",
            COUNT,
            ("max by (channel, state) (dure_deliveries)", "{{channel}} {{state}}"),
        ),
        lines(
            "Wait of the oldest mail or webhook",
            "Grows while nothing can be told. 전달이 막히면 늘어나는 대기 시간.",
            SECONDS,
            ("max(dure_delivery_oldest_seconds)", "oldest"),
            limits=Limits.AGE,
        ),
        bars(
            "Runaway jobs",
            "Running jobs that should not be, by cause. 원인별 폭주 작업 수.",
            COUNT,
            ("sum by (cluster, cause) (dure_runaway_jobs)", "{{cluster}} {{cause}}"),
            limits=Limits.ZERO,
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
