"""The checker over arrays gives the plain checker's report of honest and of tampered plans."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.solving import Question, answer, written
from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy, presets
from scheduler.round_file import read_round
from solver.bulk.documents import Doubt, read
from solver.bulk.verify import main as bulk_program
from solver.bulk.verify import verified_in_bulk, verify_files
from solver.canonical import canonical, digest
from solver.checking.report import parse
from solver.pipeline import Limits
from solver.verify import main as plain_program
from solver.verify import verify
from tests.property.test_pipeline import ruled_rounds
from tests.property.test_tampering import EACH, honest, is_word, leaves, tampered
from tests.rounds import Document

PARTS = ("round", "plan", "certificate")


@pytest.mark.parametrize("policy", ["entitlement", "nash"])
@pytest.mark.parametrize("part", [*PARTS, "plan certified anew"])
def test_both_checkers_give_one_report(policy: str, part: str) -> None:
    """A thousand tamperings, and the honest documents, are told alike by both checkers."""
    rng, proof = np.random.default_rng(5), honest(policy)
    documents = {name: getattr(proof, name) for name in PARTS}
    files = [canonical(each) for each in documents.values()]
    assert verified_in_bulk(*files) == verify(*documents.values())
    which = part.split(maxsplit=1)[0]
    paths = [
        path
        for path in leaves(documents[which])
        if part in PARTS or not is_word(documents[which], path)
    ]
    for _ in range(EACH // 2):
        forged = documents | {which: tampered(documents[which], paths, rng)}
        if part not in PARTS:
            forged["certificate"] = certified_anew(forged["plan"], proof.certificate)
        files = [canonical(each) for each in forged.values()]
        assert verify_files(*files) == verify(*map(parse, files))


def certified_anew(plan: Document, certificate: Document) -> Document:
    """Return the certificate with the digest and the bounds of a changed plan."""
    other = deepcopy(certificate)
    other["plan"]["digest"] = digest(plan)
    stages = {each["name"]: each for each in plan["stages"] if isinstance(each, dict)}
    for name, bound in other["bounds"].items():
        bound.update({key: stages.get(name, {}).get(key, bound[key]) for key in bound})
    return other


@pytest.mark.parametrize("tampering", [b"", b" ", b'"'])
def test_the_program_says_what_the_plain_one_says(
    tampering: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Canonical files, files in another writing and files that are no JSON end alike."""
    proof, paths = honest("entitlement"), []
    for name in PARTS:
        paths.append(str(tmp_path / f"{name}.json"))
        Path(paths[-1]).write_bytes(canonical(getattr(proof, name)) + tampering)
    codes, told = [], []
    for program in (plain_program, bulk_program):
        codes.append(program("checker", paths))
        told.append(capsys.readouterr())
    assert codes[0] == codes[1]
    assert told[0] == told[1]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(round_=ruled_rounds(), policy=st.sampled_from(presets()))
def test_every_plan_is_told_alike(round_: Document, policy: str) -> None:
    """Blocks, constants, chains, floors, caps, tracks: both make the same checks of every plan."""
    raw = canonical(round_)
    formulation = formulate(read_round(parse_document(raw)), find_policy(policy))
    question = Question(formulation=formulation, seed=0, gap=0.001, limits=Limits())
    solution = answer(question, lambda _: None)
    files = raw, written(solution.document), written(solution.certificate)
    plain = verify(*map(parse, files))
    assert plain == verify_files(*files)
    assert verified_in_bulk(*files) in (None, plain)


@pytest.mark.parametrize(
    "text",
    [
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e5}',
        b'{"a":1e-6}',
        b'{"a":12345678901234567}',
        b'{"a":0.10}',
        b"[1]",
        b"{",
        '{"\U00010000":1}'.encode(),
    ],
)
def test_only_canonical_text_is_read_fast(text: bytes) -> None:
    """What could be written in more than one way is left to the plain reading."""
    with pytest.raises(Doubt):
        read(text)


@pytest.mark.parametrize("number", [1e-6, 1.5e-6, 9.99e-6, 1e-5, 9.99e-7])
def test_small_numbers_are_read_fast(number: float) -> None:
    """A gap of some millionths does not send a plan to the plain reading."""
    document = {"gap": number, "list": [number, -number]}
    assert digest(document) == read(canonical(document)).digest


@settings(max_examples=200)
@given(
    document=st.dictionaries(
        st.text(min_size=1),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**53), 2**53)
            | st.text()
            | st.floats(allow_nan=False, allow_infinity=False),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_what_is_read_fast_is_canonical(document: dict[str, Any]) -> None:
    """Either the text is doubted, or its digest is the document's."""
    raw = canonical(document)
    try:
        found = read(raw)
    except Doubt:
        return
    assert digest(document) == found.digest
    assert canonical(found.value) == raw
