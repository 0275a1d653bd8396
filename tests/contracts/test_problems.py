"""Every refusal has a status, a page, and words in both languages."""

import pytest

from api.errors import STATUS, DoorError
from api.problems import describe, language_of, text_of
from scheduler.domain import errors
from scheduler.domain.errors import DureError
from scheduler.domain.messages import Language, codes

REFUSALS = [
    each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, DureError)
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_every_refusal_of_the_center_has_a_status_and_words(refusal):
    """A refusal without a status or a text of its own cannot be told to anybody."""
    assert refusal.code in STATUS
    assert refusal.code in codes()


@pytest.mark.parametrize("code", sorted(STATUS))
def test_every_code_speaks_both_languages(code):
    """Each code has a page with another title in Korean than in English."""
    english, korean = describe(code, Language.ENGLISH), describe(code, Language.KOREAN)
    assert english is not None
    assert korean is not None
    assert english["title"] != korean["title"]


def test_every_code_has_someone_who_says_it():
    """No status stands for a code that no class refuses with."""
    doors = {each.code for each in DoorError.__subclasses__()}
    assert doors | {each.code for each in REFUSALS} == set(STATUS)


def test_an_unknown_code_is_no_page():
    """Only codes that exist are explained."""
    assert describe("made-up", Language.ENGLISH) is None


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ko", "ko"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("en;q=0.2, ko;q=0.1", "en"),
        ("de, ko;q=0.5", "ko"),
        ("ko;q=nonsense", "en"),
        ("*", "en"),
    ],
)
def test_the_language_follows_the_header(header, language):
    """The best of our languages by quality; English when none of ours is named."""
    assert language == language_of(header).value


def test_a_missing_field_leaves_a_dash():
    """A text whose fields are not known still reads as a sentence."""
    assert "–" in text_of("invalid-host", {}, Language.ENGLISH).detail
