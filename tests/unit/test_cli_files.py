"""Files of the command line: read with named faults, written whole or not at all."""

import errno
import gzip
import json
import os
from pathlib import Path

import pytest

from api.commands.documents import read_document, write_documents
from api.commands.terminal import CommandRefused, ExitCode


def test_writes_every_file_and_leaves_nothing_beside(tmp_path):
    """Both outputs are there, the gzipped one readable, and no temporary file is left."""
    plan, proof = tmp_path / "plan.json", tmp_path / "proof.json.gz"

    write_documents({str(plan): b'{"a":1}', str(proof): b'{"b":2}'})

    assert b'{"a":1}' == plan.read_bytes()
    assert b'{"b":2}' == gzip.decompress(proof.read_bytes())
    assert ["plan.json", "proof.json.gz"] == sorted(each.name for each in tmp_path.iterdir())


def test_gzipped_output_is_the_same_every_time(tmp_path):
    """A gzipped file carries no time, so equal contents are equal files."""
    first, second = tmp_path / "a.json.gz", tmp_path / "b.json.gz"

    write_documents({str(first): b"{}"})
    write_documents({str(second): b"{}"})

    assert first.read_bytes() == second.read_bytes()


def test_full_disk_keeps_what_was_there(tmp_path, monkeypatch):
    """When the second file does not fit, the first keeps its earlier content."""
    plan, proof = tmp_path / "plan.json", tmp_path / "proof.json"
    plan.write_text("earlier", encoding="utf-8")
    real = os.fsync
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CommandRefused, match="No space left on device") as refused:
        write_documents({str(plan): b"new", str(proof): b"new"})

    assert refused.value.code is ExitCode.ERROR
    assert "earlier" == plan.read_text(encoding="utf-8")
    assert ["plan.json"] == [each.name for each in tmp_path.iterdir()]


def test_device_is_written_to_and_never_replaced(tmp_path):
    """A full device is an error and stays a device."""
    with pytest.raises(CommandRefused, match="No space left"):
        write_documents({"/dev/full": b"new"})

    assert Path("/dev/full").is_char_device()


def test_link_stays_a_link(tmp_path):
    """Writing through a symbolic link replaces what it points to."""
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("earlier", encoding="utf-8")
    link.symlink_to(real)

    write_documents({str(link): b"new"})

    assert link.is_symlink()
    assert b"new" == real.read_bytes()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "Must be JSON"),
        (b"\x1f\x8b broken", "Must be JSON"),
        (b"\xff\xfe", "Must be JSON"),
        (b"[1]", "Must be a JSON object"),
        (b'{"a":1,"a":2}', "stands twice"),
        (b'{"a":NaN}', "not a JSON number"),
    ],
)
def test_malformed_document_is_a_usage_error(tmp_path, content, fault):
    """What is no JSON object is refused with the file's name and the rule, exit code 2."""
    path = tmp_path / "round.json"
    path.write_bytes(content)

    with pytest.raises(CommandRefused, match=fault) as refused:
        read_document(str(path))

    assert refused.value.code is ExitCode.USAGE
    assert str(path) in refused.value.message


def test_missing_file_is_a_usage_error(tmp_path):
    """A path that is not there is refused by name."""
    with pytest.raises(CommandRefused, match="No such file") as refused:
        read_document(str(tmp_path / "absent.json"))

    assert refused.value.code is ExitCode.USAGE


def test_reads_what_it_wrote(tmp_path):
    """A gzipped document comes back as it was."""
    path = tmp_path / "a.json.gz"
    write_documents({str(path): json.dumps({"a": [1, "둘"]}).encode()})

    assert {"a": [1, "둘"]} == read_document(str(path))
