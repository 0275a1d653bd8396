"""Letters over HTTP: for every outcome, to whom it concerns, in the form that is asked for."""

from datetime import UTC, datetime
from io import BytesIO

from pypdf import PdfReader

from tests.e2e.center import Center
from tests.e2e.test_http_rounds import published

BIG = {"gpu_hours": 107_000, "minimum_gpu_hours": 107_000, "max_gpus": 160}


def test_letters_of_every_outcome(center: Center):
    """The awarded reads figures and digest; who got nothing reads why; a stranger nothing."""
    round_, requests = published(center, BIG, BIG)
    (award,) = center.get("awards", "op").json()["items"]
    (mine, winner), (other, loser) = sorted(
        zip(requests, ("kim", "park"), strict=True), key=lambda each: each[0] != award["request"]
    )
    address = f"awards/{award['id']}/letter"
    letter = center.get(address, winner)
    assert "text/plain; charset=utf-8" == letter.headers["content-type"]
    digest = center.get(f"rounds/{round_}", "op").json()["scenario_digest"]
    for word in ("# Award of GPU-hours", award["id"], "Folding", "107,000 GPU-hours", digest):
        assert word in letter.text
    assert "Answer by\t2026-12-06" in letter.text
    assert letter.text == center.get(f"requests/{mine}/letter", winner).text
    told = center.get(f"requests/{other}/letter", loser).text
    assert "Awarded\t0 GPU-hours" in told
    explained = center.get(f"requests/{other}/explanation", loser).json()["explanation"]
    assert f"- {explained['reasons'][0]['text']['en']}" in told
    rank = explained["reserve_rank"]
    assert f"Reserve rank\t{'none' if rank is None else rank}" in told
    assert 404 == center.get(address, loser).status_code
    assert 403 == center.get(address, "scr").status_code
    assert 404 == center.get("requests/req_none/letter", winner).status_code


def test_letters_in_korean_as_pages(center: Center):
    """Accept and language choose the form; the PDF is text that can be read back."""
    published(center, {}, {})
    (award,) = center.get("awards", "kim").json()["items"]
    address = f"awards/{award['id']}/letter?lang=ko"
    page = center.get(address, "kim", headers={"Accept": "text/html"})
    assert "<h1>GPU 시간 배정 통지</h1>" in page.text
    raw = center.get(address, "kim", headers={"Accept": "application/pdf"}).content
    assert raw == center.get(address, "kim", headers={"Accept": "application/pdf"}).content
    assert "배정 통지" in PdfReader(BytesIO(raw)).pages[0].extract_text()


def test_no_letter_before_publication(center: Center):
    """A request that is not decided has no letter."""
    request = center.request(center.call())
    assert 404 == center.get(f"requests/{request}/letter", "kim").status_code
    center.clock.now = datetime(2026, 11, 23, tzinfo=UTC)
    assert 404 == center.get(f"requests/{request}/letter", "kim").status_code
