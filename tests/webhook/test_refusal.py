"""Why a receiver refused, in its own words: short, clean, and without what it was sent."""

import json

import pytest

from notifier.webhook.refusal import LONGEST, refusal_text

URL = "https://user:password-1@hooks.example/services/T0000/AbCdEfGhIjKlMnOpQrSt?key=abcdefgh12"
SENT = {
    "authorization": "Bearer token-0123456789",
    "webhook-id": "evt_1",
    "webhook-signature": "v1,c2lnbmF0dXJl",
}


def refused(body: bytes, status: int = 400, **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal_text(status, named, body, url=URL, sent=SENT)


def test_the_receivers_own_words_are_kept() -> None:
    assert refused(b"no_service") == "no_service"
    assert refused(b'{"error":"field order is missing"}') == '{"error": "field order is missing"}'
    assert refused(b"") == ""


def test_they_are_short_and_on_one_line() -> None:
    text = refused(b"a\nb " * 1000)
    assert len(text) <= LONGEST
    assert text.startswith("a b a b")
    assert text.endswith("…")


def test_they_cannot_drive_a_terminal_or_hide_text() -> None:
    text = refused("\x1b]0;OWNED\x07\x1b[2J \u202eabc \u0085 \U000e0041".encode())
    assert text.isprintable()


@pytest.mark.parametrize(
    "secret",
    [
        URL,
        "AbCdEfGhIjKlMnOpQrSt",
        "/services/T0000/AbCdEfGhIjKlMnOpQrSt",
        "abcdefgh12",
        "password-1",
        "token-0123456789",
        "Bearer token-0123456789",
        "v1,c2lnbmF0dXJl",
    ],
)
@pytest.mark.parametrize("form", ["text", "json", "cut json", "page"])
def test_what_the_request_carried_is_masked_however_it_is_echoed(secret: str, form: str) -> None:
    quoted = json.dumps({"got": secret}).replace("/", "\\/")
    bodies = {
        "text": f"got {secret}!",
        "json": quoted,
        "cut json": quoted[:-1],
        "page": f"<p>{secret.replace('/', '&#47;')}</p>",
    }
    text = refused(bodies[form].encode(), content_type="text/html" if form == "page" else "")
    assert secret not in text
    assert "[" in text


def test_the_events_id_is_no_secret() -> None:
    assert refused(b"evt_1 was seen") == "evt_1 was seen"


def test_a_redirect_is_told_by_its_target_without_user_and_query() -> None:
    text = refused(b"<h1>Moved</h1>", 308, location="https://me:x@new.example/hook?token=1")
    assert text == "redirects to https://new.example/hook, and redirects are not followed"
