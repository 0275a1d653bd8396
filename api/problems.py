"""Errors as `application/problem+json` (RFC 9457), in Korean and English."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from api.errors import (
    RETRY_AFTER_SECONDS,
    STATUS,
    DoorError,
    InternalError,
    InvalidInput,
    MethodNotAllowed,
    UnknownAddress,
    UnsupportedMediaType,
)
from api.field_messages import message_of
from api.findings import errors_of
from scheduler.domain.errors import DureError
from scheduler.domain.messages import Language, Message, render

MEDIA_TYPE: Final = "application/problem+json"
PROBLEMS: Final = "/api/v1/problems"

_OWN: Final[Mapping[str, Mapping[Language, Message]]] = {
    code: {Language.ENGLISH: Message(*english), Language.KOREAN: Message(*korean)}
    for code, english, korean in (
        (
            "malformed-body",
            ("The body is not JSON.", "Reading stopped: {why}."),
            ("본문이 JSON이 아닙니다.", "읽기를 멈췄습니다: {why}."),
        ),
        (
            "invalid-cursor",
            (
                "The cursor is not valid here.",
                "A cursor works for its list, filter and caller only.",
            ),
            ("여기서 쓸 수 없는 커서입니다.", "커서는 같은 목록, 조건, 사용자에게만 유효합니다."),
        ),
        (
            "invalid-host",
            ("This service has another name.", "It does not answer to {host}."),
            ("서비스 이름이 다릅니다.", "{host}(으)로는 응답하지 않습니다."),
        ),
        (
            "idempotency-key-required",
            (
                "An Idempotency-Key is required.",
                "Send a fresh Idempotency-Key of 8 to 255 characters; repeat it on retries.",
            ),
            (
                "Idempotency-Key가 필요합니다.",
                "8–255자의 새 Idempotency-Key를 보내고, 다시 시도할 때 같은 값을 쓰세요.",
            ),
        ),
        (
            "unknown-address",
            ("Nothing has this address.", "No route answers to {path}."),
            ("없는 주소입니다.", "{path}에 해당하는 경로가 없습니다."),
        ),
        (
            "method-not-allowed",
            ("The address does not take this method.", "It takes: {allowed}."),
            ("이 주소에서 쓸 수 없는 메서드입니다.", "가능한 메서드: {allowed}."),
        ),
        (
            "payload-too-large",
            ("The body is too large.", "It may have {limit} bytes; {got} came."),
            ("본문이 너무 큽니다.", "최대 {limit}바이트이며, {got}바이트가 왔습니다."),
        ),
        (
            "unsupported-media-type",
            ("The content type is not taken here.", "Send {accepted}."),
            ("지원하지 않는 형식입니다.", "{accepted} 형식으로 보내 주세요."),
        ),
        (
            "invalid-input",
            ("The input is not valid.", "{count} field(s) break a rule: {fields}."),
            ("입력이 올바르지 않습니다.", "{count}개 항목이 규칙에 맞지 않습니다: {fields}."),
        ),
        (
            "precondition-required",
            ("Say which version you saw.", "Send If-Match with the ETag of what you read."),
            ("읽은 버전을 알려 주세요.", "읽을 때 받은 ETag를 If-Match로 보내 주세요."),
        ),
        (
            "internal-error",
            ("Something of ours broke.", "Nothing half-written remains. Quote the trace id to us."),
            ("서버에서 문제가 생겼습니다.", "저장된 것은 온전합니다. trace id를 알려 주세요."),
        ),
    )
}


def text_of(code: str, fields: Mapping[str, object], language: Language) -> Message:
    """Return the title and detail of an error code."""
    own = _OWN.get(code)
    if own is None:
        return render(code, fields, language)
    shown = _Blank(
        {name: f"{value:,}" if isinstance(value, int) else value for name, value in fields.items()}
    )
    return Message(own[language].title, own[language].detail.format_map(shown))


def language_of(accept_language: str) -> Language:
    """Return the language a header prefers; English when it names neither of ours."""
    best, weight = Language.ENGLISH, 0.0
    for part in accept_language.split(","):
        name, _, parameter = part.strip().partition(";")
        quality = _quality(parameter)
        primary = name.strip().split("-")[0].lower()
        if primary in {"ko", "en"} and quality > weight:
            best, weight = Language(primary), quality
    return best


def problem(
    code: str,
    fields: Mapping[str, object],
    *,
    scope: Scope,
    errors: Sequence[Mapping[str, object]] = (),
) -> dict[str, object]:
    """Return the problem document of an error.

    Args:
        code: error code.
        fields: what its text speaks about; further members of the document.
        scope: the request's ASGI scope, for its address, trace and language.
        errors: one row per field that is wrong, see `api.schemas.common.FieldError`.
    """
    message = text_of(code, fields, _language(scope))
    status = STATUS.get(code, 409)
    document: dict[str, object] = {
        "type": f"{PROBLEMS}/{code}",
        "title": message.title,
        "status": status,
        "detail": message.detail,
        "instance": scope.get("path", ""),
        "code": code,
        "trace_id": scope.get("state", {}).get("trace_id", ""),
        "errors": list(errors),
        "docs": f"{PROBLEMS}/{code}",
    }
    if RETRY_AFTER_SECONDS.get(status) is not None:
        document["retry_after_s"] = RETRY_AFTER_SECONDS[status]
    members = {name: value for name, value in fields.items() if name != "findings"}
    return members | document


def problem_response(
    scope: Scope,
    error: DureError | DoorError,
    errors: Sequence[Mapping[str, object]] = (),
) -> Response:
    """Return an error as a response with its headers."""
    document = problem(error.code, error.fields, scope=scope, errors=errors)
    status = STATUS.get(error.code, 409)
    headers = {"Content-Language": str(_language(scope)), "Vary": "Accept-Language, Authorization"}
    if isinstance(error, DoorError):
        headers |= dict(error.headers or {})
    if error.code == "unauthenticated":
        headers["WWW-Authenticate"] = 'Bearer realm="dure"'
    if "retry_after_s" in document:
        headers["Retry-After"] = str(document["retry_after_s"])
    return Response(
        json.dumps(document, ensure_ascii=False, default=str).encode(),
        status,
        headers,
        media_type=MEDIA_TYPE,
    )


def install(app: FastAPI) -> None:
    """Let the application answer every error as a problem."""
    app.add_exception_handler(DureError, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


def catalogue(language: Language) -> list[dict[str, object]]:
    """Return every error code with its status and title, for the problems pages."""
    return [
        {"code": code, "status": STATUS[code], "title": text_of(code, {}, language).title}
        for code in sorted(STATUS)
    ]


def describe(code: str, language: Language) -> dict[str, object] | None:
    """Return the page of one error code, or None when it is not one."""
    if code not in STATUS:
        return None
    message = text_of(code, {}, language)
    return {"code": code, "status": STATUS[code], "title": message.title, "detail": message.detail}


def _language(scope: Scope) -> Language:
    return language_of(scope.get("state", {}).get("language", ""))


class _Blank(dict[str, object]):
    """Fields of a text; on a page that speaks of no particular case they stay open."""

    def __missing__(self, key: str) -> str:
        return "–"


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DureError)
    language = _language(request.scope)
    return problem_response(request.scope, error, errors_of(error, language))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, DoorError):
        return problem_response(request.scope, error)
    if error.status_code == 405:  # noqa: PLR2004 - the framework's own refusals by status
        allowed = (error.headers or {}).get("Allow", "")
        return problem_response(
            request.scope, MethodNotAllowed({"Allow": allowed}, allowed=allowed)
        )
    if error.status_code == 404:  # noqa: PLR2004 - the same
        return problem_response(request.scope, UnknownAddress(path=request.url.path))
    return problem_response(request.scope, InternalError())


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    rows = error.errors()
    for row in rows:
        if isinstance(row["input"], bytes) and row["loc"] == ("body",):
            return problem_response(
                request.scope, UnsupportedMediaType(accepted="application/json")
            )
    wrong = [field_error(row, _language(request.scope)) for row in rows]
    names = ", ".join(dict.fromkeys(str(each["pointer"]) for each in wrong))
    return problem_response(request.scope, InvalidInput(count=len(wrong), fields=names), wrong)


def field_error(row: Mapping[str, Any], language: Language) -> dict[str, object]:
    """Return one validation error as pointer, code, message and what came."""
    place, *path = row["loc"]
    pointer = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)
    limits = {name: value for name, value in row.get("ctx", {}).items() if name in _LIMITS}
    return {
        "pointer": f"#/{pointer}" if place == "body" else f"{place}:{pointer}",
        "code": str(row["type"]).replace("_", "-"),
        "message": message_of(row, language),
        "limit": next(iter(limits.values()), None),
        "got": _short(row.get("input")),
    }


_LIMITS: Final = frozenset(
    {"ge", "gt", "le", "lt", "max_length", "min_length", "pattern", "expected", "decimal_places"}
)


def _short(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004 - a line


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
