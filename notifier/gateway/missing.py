"""Recognising "no such video" in its dialects, and nothing else.

Only JSON that names the video or task counts. A bare `{"detail": "Not Found"}` is what a web
framework says about a wrong path, and "model not found" is about something else: taking either
for a lost video would end a paid job for a typo in `base_url`.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus

from notifier.model.video import Json

_NOUN = r"(?<![\w.'\"`])(?:video|task|job|generation)"  # not the name of a table or a column
# the watched id, or what looks like another; everything is bounded, or a long message would
# take seconds to search
_ID = r"(?:<id>|(?=[\w.:=+-]{0,80}[\d_=-])[\w.:=+-]{1,80})"
_GONE = (
    r"(?:(?:was |is |could |has |does )?not[ _](?:be |been )?(?:found|exist)\w*"
    r"|doesn't exist|no longer exists)"
)
_CODE = re.compile(
    r"^(?:video|task|job|generation)s?_?(?:id_)?(?:is_)?(?:not_?found|(?:does_)?not_?exists?)$"
)
_SENTENCES = (
    re.compile(rf"{_NOUN}(?: with)?(?: id)?[\s:='\"`(#]{{0,8}}{_ID}?[\s'\"`)]{{0,8}}{_GONE}"),
    re.compile(
        rf"\b(?:no such|unknown|cannot find|could not find|couldn't find|not found:?) (?:the )?"
        rf"{_NOUN}(?:\s{{0,8}}$|\s{{0,8}}[.,:;!'\"`(]|\s{{1,8}}(?:with )?id\b"
        rf"|\s{{1,8}}{_ID}(?:\W|$))"
    ),
    re.compile(r"(?:任务|视频)\s{0,8}{_ID}?\s{0,8}(?:不存在|未找到)".replace("{_ID}", _ID)),
)
_OTHER_SUBJECT = re.compile(
    r"\b(?:model|route|path|url|endpoint|page|user|key|channel|provider|deployment|account)s?\b"
)
_ADDRESS = re.compile(r"(?:\b\w+:/)?(?<!\w)/\S*")
_FIELDS = ("code", "type", "message", "detail", "error", "msg")
_MAX_MESSAGE = 1000


def says_missing(value: Json, video_id: str, status: int) -> str | None:
    """Return how `value` says that the video does not exist, or None if it does not say so.

    With a `status` from 500 on, a sentence has to name the watched id: what a broken server
    says of its tables and queues can sound just like it.
    """
    for said in _statements(value):
        if _CODE.match(said.strip().lower().replace("-", "_").replace(" ", "_")):
            return said
        sentence = _named(said[:_MAX_MESSAGE], video_id)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR and "<id>" not in sentence:
            continue
        if _OTHER_SUBJECT.search(sentence):
            continue
        if any(pattern.search(sentence) for pattern in _SENTENCES):
            return said
    return None


def _named(said: str, video_id: str) -> str:
    """Return a sentence with the watched id marked and addresses, which hold any word, gone."""
    marked = re.sub(rf"(?<!\w){re.escape(video_id)}(?!\w)", "<id>", said).lower()
    return _ADDRESS.sub(" ", marked)


def _statements(value: Json, depth: int = 3) -> Iterator[str]:
    """Yield the texts in which an error object says what is wrong."""
    if not isinstance(value, dict) or depth == 0:
        return
    for name in _FIELDS:
        said = value.get(name)
        if isinstance(said, str):
            yield said
        else:
            yield from _statements(said, depth - 1)
