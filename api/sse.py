"""Server-sent events: numbered frames that a client can resume, with a heartbeat between."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from scheduler.domain.errors import DureError

POLL_SECONDS: Final = 0.5
"""How often the store is asked for news."""
HEARTBEAT_SECONDS: Final = 15.0
"""Longest silence of a stream."""
MEDIA_TYPE: Final = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream; `id` is where a client resumes behind."""

    id: int
    event: str
    data: Any

    def encode(self) -> bytes:
        """Return the frame as it travels."""
        text = json.dumps(self.data, ensure_ascii=False, default=str)
        return f"id: {self.id}\nevent: {self.event}\ndata: {text}\n\n".encode()


@dataclass(frozen=True, slots=True)
class News:
    """What happened since a position, and whether anything can follow."""

    frames: Sequence[Frame]
    ended: bool


def resume_after(last_event_id: str | None) -> int:
    """Return the position behind which a client resumes; 0 for the beginning."""
    text = last_event_id or ""
    return int(text) if text.isdecimal() and len(text) <= 18 else 0  # noqa: PLR2004 - 64 bits


def stream(news: Callable[[int], News], after: int) -> StreamingResponse:
    """Return a response that tells the news until they end.

    Args:
        news: asks the store for what happened after a position; raises when the caller may no
            longer see it, which ends the stream.
        after: where to begin.
    """
    return StreamingResponse(
        _frames(news, after), media_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"}
    )


async def _frames(news: Callable[[int], News], after: int) -> AsyncIterator[bytes]:
    yield b": connected\n\n"
    silent = 0.0
    while True:
        try:
            found = await run_in_threadpool(news, after)
        except DureError:
            return  # revoked, or gone: the client hears why when it asks again
        for frame in found.frames:
            after = frame.id
            yield frame.encode()
        if found.ended:
            return
        silent = 0.0 if found.frames else silent + POLL_SECONDS
        if silent >= HEARTBEAT_SECONDS:
            silent = 0.0
            yield b": heartbeat\n\n"
        await anyio.sleep(POLL_SECONDS)
