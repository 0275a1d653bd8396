"""Which form of a document a client gets."""

import pytest
from starlette.requests import Request

from api.accepting import preferred

FORMS = ("application/json", "text/csv", "application/pdf")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/pdf", "application/pdf"),
        ("text/csv;q=0.5, application/pdf;q=0.8", "application/pdf"),
        ("text/*, application/json;q=0.9", "text/csv"),
        ("application/json;q=0, */*", "text/csv"),
        ("Application/PDF ; Q=1.0", "application/pdf"),
        ("image/png", "application/json"),
        ("text/csv;q=nan, */*;q=0.1", "application/json"),
        ("", "application/json"),
    ],
)
def test_the_form_is_what_accept_likes_best(accept: str | None, form: str):
    """The most precise range counts; equal likings and none at all give the usual form."""
    headers = [] if accept is None else [(b"accept", accept.encode())]
    assert form == preferred(Request({"type": "http", "headers": headers}), FORMS)
