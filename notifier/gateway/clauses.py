"""Cuts an error text into clauses in which sentences can be recognised.

A tidied text is in lower case. The watched id is `<id>`, all quotes are `'`, and addresses are
`<url>`.
"""

import re
from collections.abc import Iterator

from notifier.model.video_ids import names_of

LONGEST = 500
"""How many characters of a text are looked at."""

_CLAUSE_END = re.compile(
    r"[.;,!?]+(?:\s+|$)|:\s+|\s[-–—|=]\s|\s?[(\[{]|,(?=[\u4e00-\u9fff])|[\n。，；！：、（）]+"  # noqa: RUF001 - people write these
)
_ADDRESS = re.compile(r"(?:\b\w+:/)?(?<!\w)/\S*")
_QUOTES = dict.fromkeys(map(ord, '‘’“”"`「」『』'), "'")  # noqa: RUF001 - people write these
_THINGS = r"video|task|job|generation|request|operation|prediction|resource|entity|found|exist"
_TIDYING = (
    (re.compile(r"[^\S\n]+"), " "),
    (re.compile(r"[('\[#]{0,2}<id>['\])]{0,2}"), "<id>"),
    (re.compile(r"\(?(?<![a-z])(?:id|'id') ?[:=] ?"), "id "),
    (re.compile(r"[\w/.-]{0,200}operations/<id>"), "<id>"),
    # Volcengine appends the id of the HTTP request, with or without a full stop before it
    (
        re.compile(
            r"(?<=\w)( (?:not )?(?:found|exists?|expired|deleted|removed|gone|available)),?"
            r" request[ _-]?id ?[:=]? ?[\w-]{1,80}(?=[.)\]]? ?$)"
        ),
        r"\1",
    ),
    # Laravel names its class instead of the thing
    (
        re.compile(r"no query results for model \[[a-z\\]{0,40}(video|task|job)[a-z]{0,20}\]"),
        r"no \1",
    ),
    (re.compile(rf"\b({_THINGS}) ?[:=#] ?(?=<id>)"), r"\1 "),
    (
        re.compile(
            r"<id> ?[:,-] (?=(?:was |is |could |does |has )?(?:not |expired)|doesn't|no lon)"
        ),
        "<id> ",
    ),
)


def tidy(text: str, video_id: str) -> str:
    """Return a text with the watched id marked, all quotes alike, and addresses removed."""
    marked = text
    for name in names_of(video_id):
        # Chinese, Japanese and Korean write the next word without a space
        whole = rf"(?<![a-zA-Z0-9_-]){re.escape(name)}(?![a-zA-Z0-9_-])"
        marked = re.sub(whole, "<id>", marked)
    tidied = _ADDRESS.sub(" <url> ", marked[:LONGEST].lower().translate(_QUOTES))
    for pattern, replacement in _TIDYING:
        tidied = pattern.sub(replacement, tidied)
    return tidied


def clauses(text: str) -> Iterator[tuple[str, int]]:
    """Yield each clause of a tidied text, and where it begins."""
    begin = 0
    for end in [*(match.span() for match in _CLAUSE_END.finditer(text)), (len(text), 0)]:
        yield text[begin : end[0]].strip(" '"), begin
        begin = end[1]


def as_code(text: str) -> str:
    """Return a text in the form of error codes; a sentence keeps its spaces."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text[:LONGEST]).lower().replace("-", "_").strip()
