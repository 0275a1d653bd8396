"""What Slurm's controller counts, from text that a real one printed and from text by hand."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scheduler.domain.errors import InvalidUsage
from scheduler.importers.assoc_mgr import read_gauges

RECORDED = Path(__file__).parents[1] / "recorded" / "assoc_mgr_22.05.8.txt"
"""Slurm 22.05.8: fellow001 runs 8 GPUs, fellow002 used 24 GPU-seconds, root nothing."""
AT = datetime(2026, 11, 26, 1, 54, tzinfo=UTC)


def read(text, cluster="duru"):
    """Return the counters of each user."""
    return {
        each.person: (each.limit_gpu_minutes, each.used_gpu_minutes, each.running_gpus)
        for each in read_gauges(text, cluster=cluster, seen_at=AT)
    }


def test_what_a_real_controller_printed():
    """Users have budget, use and running GPUs; accounts, which are sums, are left out."""
    expected = {"root": (None, 0, 0), "fellow001": (1200, 3, 8), "fellow002": (600, 0, 0)}
    assert expected == read(RECORDED.read_text())


def test_a_gauge_says_what_it_counts():
    """Its id is cluster, account and user, whatever the controller calls its cluster."""
    gauges = read_gauges(RECORDED.read_text(), cluster="duru", seen_at=AT)
    assert ["duru/root/root", "duru/vision/fellow001", "duru/vision/fellow002"] == [
        each.id for each in gauges
    ]
    assert {AT} == {each.seen_at for each in gauges}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("GrpTRESMins=cpu=N(0),gres/gpu=6000(2),gres/gpu:h100=N(2)", (6000, 2, 0)),
        ("GrpTRESMins=gres/gpu:h100=N(2),gres/gpu=6000(2) New=x", (6000, 2, 0)),
        ("GrpTRES=gres/gpu=16(4) GrpTRESMins=gres/gpu=N(7)", (None, 7, 4)),
        ("GrpTRESMins=gres/gpu:h100=N(2),gres/gpu:a100=5(3)", (None, 5, 0)),
        ("GrpTRESMins=cpu=N(0)", (None, 0, 0)),
        ("GrpTRESMins= MaxJobs=", (None, 0, 0)),
        ("", (None, 0, 0)),
    ],
)
def test_fields_in_any_order_and_number(fields, expected):
    """Typed counters never count twice, what is missing is nothing, what is new is not read."""
    text = f"Association Records\nClusterName=x Account=a UserName=kim(20030) {fields}\n"
    assert {"kim": expected} == read(text)


def test_records_over_several_lines():
    """Without `-o` a record is indented under its first line."""
    text = (
        "ClusterName=x Account=a UserName=kim(1) Partition=\n"
        "    GrpTRES=gres/gpu=N(2)\n"
        "    GrpTRESMins=gres/gpu=60(9)\n"
        "ClusterName=x Account=a UserName=lee(2)\n"
        "    GrpTRESMins=gres/gpu=N(1)\n"
    )
    assert {"kim": (60, 9, 2), "lee": (None, 1, 0)} == read(text)


def test_a_user_of_two_partitions_has_one_gauge():
    """Associations of one account add up; a budget only if both have one."""
    row = "ClusterName=x Account=a UserName=kim(1) Partition={} GrpTRESMins=gres/gpu={}\n"
    assert {"kim": (90, 12, 0)} == read(row.format("p", "60(9)") + row.format("q", "30(3)"))
    assert {"kim": (None, 12, 0)} == read(row.format("p", "60(9)") + row.format("q", "N(3)"))


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("", 1),
        ("slurm_load_assoc_mgr_info error: Unable to contact slurm controller", 1),
        ("x\nClusterName=x Account=a UserName=kim GrpTRESMins=gres/gpu=6000", 2),
        ("ClusterName=x Account=a UserName=kim GrpTRESMins=gres/gpu=-1(2)", 1),
        ("ClusterName=x Account=a UserName=kim GrpTRESMins=gres/gpu=N(99999999999999)", 1),
        ("ClusterName=x Account= UserName=kim", 1),
    ],
)
def test_what_is_no_association_is_refused_by_its_line(text, row):
    """A broken counter refuses the whole text: a half-read controller would look idle."""
    with pytest.raises(InvalidUsage) as refused:
        read(text)
    assert row == refused.value.fields["row"]


@pytest.mark.parametrize("cut", range(0, 1200, 37))
def test_a_cut_text_is_read_or_refused_never_crashes(cut):
    """Wherever the text ends, the answer is gauges or a refusal."""
    text = RECORDED.read_text()
    with suppress(InvalidUsage):
        assert read(text[:-cut] if cut else text)
