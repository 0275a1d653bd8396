"""What a schema says of one wrong field, in Korean and English."""

from collections.abc import Mapping
from typing import Any, Final

from scheduler.domain.messages import Language

_KOREAN: Final[Mapping[str, str]] = {
    "missing": "필수 항목입니다.",
    "extra_forbidden": "알 수 없는 항목입니다.",
    "string_type": "문자열이어야 합니다.",
    "string_too_short": "최소 {min_length}자여야 합니다.",
    "string_too_long": "최대 {max_length}자여야 합니다.",
    "string_pattern_mismatch": "형식에 맞지 않습니다: {pattern}",
    "int_type": "정수여야 합니다.",
    "int_parsing": "정수여야 합니다.",
    "is_instance_of": "숫자여야 합니다.",
    "decimal_max_places": "소수점 아래 최대 {decimal_places}자리입니다.",
    "bool_type": "true 또는 false여야 합니다.",
    "list_type": "목록이어야 합니다.",
    "dict_type": "객체여야 합니다.",
    "model_attributes_type": "객체여야 합니다.",
    "too_short": "최소 {min_length}개여야 합니다.",
    "too_long": "최대 {max_length}개여야 합니다.",
    "literal_error": "다음 중 하나여야 합니다: {expected}",
    "enum": "다음 중 하나여야 합니다: {expected}",
    "greater_than": "{gt}보다 커야 합니다.",
    "greater_than_equal": "{ge} 이상이어야 합니다.",
    "less_than": "{lt}보다 작아야 합니다.",
    "less_than_equal": "{le} 이하여야 합니다.",
    "value_error": "올바른 값이 아닙니다.",
    "datetime_type": "시간대가 있는 시각이어야 합니다(예: 2026-11-22T15:00:00Z).",
}
_ENGLISH: Final[Mapping[str, str]] = {
    "missing": "This field is required.",
    "extra_forbidden": "No such field is known here.",
    "is_instance_of": "Must be a number.",
    "model_attributes_type": "Must be an object.",
    "datetime_type": "Must be an instant with its offset, such as 2026-11-22T15:00:00Z.",
}


def message_of(row: Mapping[str, Any], language: Language) -> str:
    """Return what a validation error says, in a language; else the schema's own English."""
    texts = _KOREAN if language is Language.KOREAN else _ENGLISH
    text = texts.get(str(row["type"]))
    return str(row["msg"]) if text is None else text.format_map(_Open(row.get("ctx", {})))


class _Open(dict[str, Any]):
    """The numbers of a rule; one that is not stated leaves a dash."""

    def __missing__(self, key: str) -> str:
        return "–"
