"""Recognising "no such video" in its dialects, and nothing else.

Only JSON that names the video or task counts. A bare `{"detail": "Not Found"}` is what a web
framework says about a wrong path, and "model not found" is about something else: taking either
for a lost video would end a paid job for a typo in `base_url`.
"""

import re
from collections.abc import Iterator

from notifier.model.video import Json

_NOUN = r"(?:video|task|job|generation)"
_GONE = r"(?:not[ _]found|not[ _]exist\w*|does(?: not|n't) exist|no longer exists|no existe)"
_CODE = re.compile(rf"^{_NOUN}s?_?(?:id_)?(?:is_)?(?:not_?found|(?:does_)?not_?exists?)$")
_SENTENCES = (
    re.compile(rf"\b{_NOUN}s?\b.{{0,600}}?{_GONE}", re.DOTALL),
    re.compile(rf"\b(?:no such|unknown|cannot find|could(?: not|n't) find|not found:?) {_NOUN}\b"),
    re.compile(r"(?:任务|视频).{0,40}(?:不存在|未找到)"),
)
_OTHER_SUBJECT = re.compile(
    r"\b(?:model|route|path|url|endpoint|page|user|key|channel|provider|deployment|account)s?\b"
)
_ADDRESS = re.compile(r"(?:\b\w+:/)?(?<!\w)/\S*")
_SHORTEST_ID = 8
_FIELDS = ("code", "type", "message", "detail", "error", "msg")
_MAX_MESSAGE = 2000


def says_missing(value: Json, video_id: str) -> str | None:
    """Return how `value` says that the video does not exist, or None if it does not say so."""
    for said in _statements(value):
        if _CODE.match(said.strip().lower().replace("-", "_").replace(" ", "_")):
            return said
        # the id and anything that looks like an address may hold any word
        sentence = said[:_MAX_MESSAGE]
        if len(video_id) >= _SHORTEST_ID:
            sentence = sentence.replace(video_id, " ")
        sentence = _ADDRESS.sub(" ", sentence.lower())
        if _OTHER_SUBJECT.search(sentence):
            continue
        if any(pattern.search(sentence) for pattern in _SENTENCES):
            return said
    return None


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
