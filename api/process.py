"""The parent's side of a solve: start the child, hear it, and never leave it behind."""

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from scheduler.domain.events import Json

LAST_WORDS: Final = 2000
"""Bytes of standard error that are kept when a child breaks down."""

GRACE_SECONDS: Final = 5
"""How long a child that says no more may take to end."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the child made."""

    content: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason that another try would meet again: code and fields."""

    content: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Crashed:
    """The child ended without a word: code, exit code or signal, last words."""

    content: Mapping[str, Json]


class Child:
    """A child process with one task; it is gone when the context ends, come what may.

    Args:
        command: argument list.
        task: what the child is to do; it speaks as `api.child` says.
        memory_mib: its address space; unlimited if not stated.
    """

    def __init__(
        self, command: Sequence[str], task: Mapping[str, Json], *, memory_mib: int | None
    ) -> None:
        self._order = json.dumps({"task": task, "memory_mib": memory_mib}).encode() + b"\n"
        self._command = list(command)
        self._words: queue.SimpleQueue[Mapping[str, Mapping[str, Json]] | None] = (
            queue.SimpleQueue()
        )

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own argument list
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,  # Ctrl-C is the worker's to answer
            )
        except OSError:
            self._errors.close()
            raise
        self._threads = [threading.Thread(target=work) for work in (self._feed, self._listen)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def word(self, seconds: float) -> Mapping[str, Json] | Result | Failure | Crashed | None:
        """Return the child's next word: a line of progress, its end, or nothing for so long."""
        try:
            said = self._words.get(timeout=seconds)
        except queue.Empty:
            return None
        if said is None:
            return Crashed(self._last_words())
        (kind, content), *_ = said.items()
        match kind:
            case "result":
                return Result(content)
            case "failure":
                return Failure(content)
            case _:
                return content

    def _feed(self) -> None:
        """Write the task; standard input stays open, for its end means that we are gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(self._order)
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it ended before it read; its last words say why

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                self._words.put(json.loads(line))
            except ValueError:
                break  # a line that broke off: the child is dying
        self._words.put(None)

    def _last_words(self) -> Mapping[str, Json]:
        try:
            code = self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:  # it closed its output and lives on
            os.killpg(self._process.pid, signal.SIGKILL)
            code = self._process.wait()
        length = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, length - LAST_WORDS))
        said = self._errors.read().decode("utf-8", "replace").strip()
        ended: dict[str, Json] = (
            {"signal": signal.Signals(-code).name} if code < 0 else {"exit": code}
        )
        return {"code": "solver-crashed", **ended, "said": said.rpartition("\n")[2]}
