"""Every refusal and finding has a text in both languages."""

import ast
import re
from pathlib import Path

import pytest

from scheduler.domain import checks, errors, messages
from scheduler.domain.messages import Language, codes, render

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, errors.DureError)
]
SCORES = Path(messages.__file__).parents[1] / "operations" / "scores.py"


def _stated(path: str | Path) -> set[str]:
    """Return the codes that findings of a module state."""
    text = Path(path).read_text(encoding="utf-8")
    strings = {
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {each for each in strings if re.fullmatch(r"[a-z]+(-[a-z]+)+", each)}


@pytest.mark.parametrize("refusal", CLASSES, ids=lambda refusal: refusal.__name__)
def test_a_refusal_names_its_fields_in_its_text(refusal: type[errors.DureError]) -> None:
    """The code has a text whose fields are those that the class documents."""
    assert refusal.code in codes()
    documented = set(re.findall(r"[a-z_]+", (refusal.__doc__ or "").partition("Fields:")[2]))
    for texts in (messages._TEXTS[refusal.code].en, messages._TEXTS[refusal.code].ko):
        assert set(re.findall(r"{(\w+)}", texts[1])) <= documented


@pytest.mark.parametrize("path", [checks.__file__, SCORES])
def test_a_finding_has_a_text(path: str | Path) -> None:
    """Each code that a check states is in the table."""
    stated = _stated(path) - {"three-decimals", "utf-8"}
    assert stated
    assert stated <= set(codes())


@pytest.mark.parametrize("code", codes())
def test_both_languages_speak_of_the_same_fields(code: str) -> None:
    """Korean and English details hold the same placeholders, and titles hold none."""
    texts = messages._TEXTS[code]
    fields = [set(re.findall(r"{(\w+)}", text[1])) for text in (texts.en, texts.ko)]
    assert fields[0] == fields[1]
    assert "{" not in texts.en[0] + texts.ko[0]
    assert re.search("[가-힣]", texts.ko[0])


def test_saying_no_never_fails() -> None:
    """Missing fields and unknown codes still give a text."""
    assert "–" in render("not-found", {"kind": "call"}, Language.ENGLISH).detail
    assert render("unheard-of", {}, Language.KOREAN) == render("refused", {}, Language.KOREAN)
    shown = render("invalid-transition", {"allowed": ["a", "b"], "id": 1200}, Language.ENGLISH)
    assert "a, b" in shown.detail
    assert "1,200" in shown.detail
