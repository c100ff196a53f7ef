"""Describes answers that say nothing which counts about a video, each as a PollError.

The detail says what an operator needs in order to understand the answer: the gateway's own
sentence, which fields and which status word the answer has, and where a redirect leads.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from notifier.gateway.job_search import Search
from notifier.model.answer import PollError
from notifier.model.video import Json
from notifier.texts.answer_text import answer_text
from notifier.texts.cleaning import clean_text, one_line, shortened
from notifier.texts.locations import shown_location

BASE_URL_HINT = "does base_url end in /v1?"
EDGE_HINT = "Cloudflare refused the request before it reached the gateway"
REWRITES_HINT = "if this gateway re-encodes ids, set rewrites_ids = true"
MAX_DETAIL = 200

_MOST_READ = 16 * 1024  # bytes of an answer that is not JSON
_MOST_KEYS = 8
_LONGEST_NAME = 40
_SENTENCES = (
    *("error", "errors", "message", "detail", "msg", "status_msg", "errmsg", "err_msg"),
    *("error_msg", "error_message", "base_resp", "response", "responsemetadata", "fault"),
    "faultstring",
)
_DEEPEST_SENTENCE = 4


def unreadable(
    status: int, headers: Mapping[str, str], body: bytes, said: str, wait: float | None
) -> PollError:
    """Describe an answer that is not readable JSON; `said` says why not and what it is instead."""
    if status >= HTTPStatus.BAD_REQUEST:
        hint = BASE_URL_HINT if status == HTTPStatus.NOT_FOUND else ""
        return PollError(f"http_{status}", said, hint, status, wait)
    if not body.strip():
        return PollError("empty", "an answer without a body", "", status, wait)
    if is_html(headers, body):
        return PollError(
            "html", f"a web page instead of JSON; {said}", BASE_URL_HINT, status, wait
        )
    return PollError("broken_json", said, "", status, wait)


def excerpt(headers: Mapping[str, str], body: bytes, mask: Callable[[str], str]) -> str:
    """Return the beginning of an answer's text, masked, on one line; "" if there is none."""
    text = mask(answer_text(headers, body[:_MOST_READ]))
    return shortened(one_line(clean_text(text)), MAX_DETAIL)


def is_html(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether an answer is a web page."""
    return "html" in headers.get("content-type", "").lower() or body.lstrip()[:1] == b"<"


def is_from_edge(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether Cloudflare refused a request, which then never reached the gateway."""
    return (
        "cf-mitigated" in headers
        or body[:13] == b"error code: 1"
        or (b'"cloudflare_error"' in body and b"developers.cloudflare.com" in body)
    )


def redirected(status: int, location: str, wait: float | None) -> PollError:
    """Describe a redirect, which is never followed; the query of its target is left out."""
    target = shown_location(location)
    detail = f"redirects to {target}" if target else "a redirect without a Location"
    hint = "redirects are not followed: put the right address into base_url"
    return PollError(f"http_{status}", detail, hint, status, wait)


def not_believed(search: Search, status: int, wait: float | None) -> PollError | None:
    """Describe jobs that were found and do not count, None if there were none."""
    if search.contradiction:
        words = ", ".join(repr(word[:_LONGEST_NAME]) for word in dict.fromkeys(search.words))
        detail = f"it describes the job more than once, as {words}"
        return PollError("contradiction", detail[:MAX_DETAIL], "", status, wait)
    if search.words and search.other_id:
        detail = f"the answer is about {search.other_id[:MAX_DETAIL]!r}"
        return PollError("other_id", detail, REWRITES_HINT, status, wait)
    return None


def other(value: Json, search: Search, status: int, wait: float | None) -> PollError:
    """Describe readable JSON that is not about the video and not about the key."""
    sentence = error_sentence(value)
    if status >= HTTPStatus.BAD_REQUEST:
        hint = BASE_URL_HINT if status == HTTPStatus.NOT_FOUND else ""
        return PollError(f"http_{status}", sentence or _outline(value, search), hint, status, wait)
    is_error = isinstance(value, dict) and value.get("error")
    detail = "; ".join(part for part in (sentence, _outline(value, search)) if part)
    return PollError("error_object" if is_error else "no_video", detail, "", status, wait)


def error_sentence(value: Json) -> str:
    """Return the message in an error object, "" without one."""
    for _ in range(_DEEPEST_SENTENCE):
        if isinstance(value, list):
            value = next(iter(value), None)
        if not isinstance(value, dict):
            break
        folded = {name.lower(): item for name, item in value.items()}  # Tencent writes `Error`
        value = next((folded[name] for name in _SENTENCES if folded.get(name)), None)
    return value[:MAX_DETAIL] if isinstance(value, str) else ""


def _outline(value: Json, search: Search) -> str:
    """Return which fields an answer has, and which status words were found in it."""
    match value:
        case dict() if value:
            names = [name[:_LONGEST_NAME] for name in value]
            shown = ", ".join(names[:_MOST_KEYS]) + (", …" if len(names) > _MOST_KEYS else "")
            outline = f"it has the fields {shown}"
        case dict() | list():
            outline = f"an {'object' if isinstance(value, dict) else 'array'} of {len(value)}"
        case _:
            outline = f"the JSON value {value!r}"[:_LONGEST_NAME]
    seen = search.words or search.words_of_requests
    words = ", ".join(repr(word[:_LONGEST_NAME]) for word in dict.fromkeys(seen))
    return outline + (f" and the status {words}" if words else " and no status of a job")
