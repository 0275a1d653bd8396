"""Why a job failed, in the language of who asks."""

from typing import Any

from api.problems import text_of
from scheduler.domain.jobs import Job
from scheduler.domain.messages import Language

IN_KOREAN = "korean"
"""Under this name a failure keeps those of its fields that are texts, in Korean."""


def shown_failure(job: Job, language: Language) -> dict[str, Any] | None:
    """Return the fields of a failure with its title and detail; None if the job did not fail."""
    if job.failure is None:
        return None
    fields: dict[str, Any] = dict(job.failure)
    korean = fields.pop(IN_KOREAN, {})
    if language is Language.KOREAN:
        fields |= korean
    said = text_of(fields["code"], fields, language)
    return {**fields, "title": said.title, "detail": said.detail}
