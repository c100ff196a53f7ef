"""Recognises "no such video" in an error body.

A false match ends a paid job as lost. `{"detail": "Not Found"}` is what a web framework says about
a wrong path, and "video worker-2 not found" is about a machine. So texts are not searched for
keywords. A text is cut into clauses, and one whole clause has to be such a sentence from its first
word to its last: a subject (the video, by noun, by id or both) and a statement (that it does not
exist). Any other text counts as a transient error.

A clause that names the watched id always counts. Another clause does not count in a server error
(5xx), after a clause about another subject, or in a text which says that the video may still come.
"""

import re
from http import HTTPStatus

from notifier.gateway.error_texts import error_texts
from notifier.model.video import Json

_MAX_TEXT = 500

# Subjects. Every repetition is bounded, or a long text would take seconds to search.
_FOREIGN = r"(?=[\w.:=+-]{0,80}[\d_=-])[\w.:=+-]{1,200}"  # what looks like another id
_WHICH = r"(?:(?:the|this|that|your|requested|specified|given) ){0,3}"
_THING = r"(?:(?:video )?generation (?:task|job)|video (?:task|job)|video|task|job)"
_LABEL = r"(?: with)?(?: the)?[ _]id"
# a bare word after the noun may be a machine's name: another id needs quotes or a label
_REF = rf"(?:(?:{_LABEL})? (?:<id>|'{_FOREIGN}')|{_LABEL} {_FOREIGN})"
_NAMED_THING = rf"(?:{_THING}(?:{_REF}|{_LABEL})?|(?:video )?generation{_REF})"
_SUBJECT = rf"(?:{_WHICH}{_NAMED_THING}|<id>)"

# Statements.
_GONE = (
    r"(?:(?:was |is |could |can |has |does )?not[ _](?:be |been )?(?:found|exists?)"
    r"|(?:cannot|can't|couldn't) be found|(?:was|is)n't found|doesn't exist|no longer exists)"
)
_OR_ELSE = (
    r"(?: or (?:(?:it )?(?:does not|doesn't) belong|is not owned|access|no permission"
    r"|you (?:do not|don't) have|(?:has |was |is )?(?:already )?(?:been )?(?:deleted|expired))"
    r".{0,200})?"
)
_SENTENCES = (
    rf"{_SUBJECT} {_GONE}(?:(?: for)?{_REF})?{_OR_ELSE}",
    rf"(?:no such|unknown) {_NAMED_THING}",
    rf"no (?:such )?{_NAMED_THING} (?:(?:was |could be )?found|exists?)(?:(?: for)?{_REF})?",
    rf"(?:we )?(?:cannot|can't|could not|couldn't|unable to|failed to) (?:find|locate) {_SUBJECT}",
)

_CHINESE_THING = r"(?:视频|任务)(?:生成)?(?:任务)?"
_CHINESE_REF = rf" ?(?:id)? ?(?:<id>|'?{_FOREIGN}'?)? ?"
_CHINESE_OR_ELSE = r"(?:或(?:已过期|已删除|已被删除|无权).{0,30})?"
_CHINESE_SENTENCES = (
    rf"(?:该|此|指定的?)?{_CHINESE_THING}{_CHINESE_REF}(?:不存在|未找到|没有找到|找不到){_CHINESE_OR_ELSE}",
    rf"(?:未找到|没有找到|找不到) ?(?:该|此|指定的?|对应的?)?{_CHINESE_THING}{_CHINESE_REF}",
)
_SENTENCE = re.compile("|".join(f"(?:{one})" for one in _SENTENCES + _CHINESE_SENTENCES))
_CODE = re.compile(
    r"(?:video_|generation_)?(?:video|task|job|generation)s?_?(?:id_)?(?:is_)?"
    r"(?:not_?found|(?:does_)?not_?exists?)(?:_error|_exception)?"
)

_NOUN = re.compile("video|task|job|generation|视频|任务")
_OTHER_SUBJECT = re.compile(
    r"\b(?:model|route|path|url|endpoint|page|user|key|channel|provider|deployment|account"
    r"|service|function|host|backend|cluster|namespace|project|worker|storage|bucket|table"
    r"|queue|cache|database|region|plan|reference|source|input|image|file|asset)s?\b"
)
_MAY_COME = re.compile(r"\b(?:yet|still)\b")

_CLAUSE_END = re.compile(
    r"[.;,!?]+(?:\s+|$)|:\s+|\s[-–—|=]\s|\s?[(\[]|[\n。，；！：、（]+"  # noqa: RUF001 - people write these
)
_ADDRESS = re.compile(r"(?:\b\w+:/)?(?<!\w)/\S*")
_QUOTES = dict.fromkeys(map(ord, '‘’“”"`'), "'")  # noqa: RUF001 - people write these
_TIDYING = (
    (re.compile(r"[^\S\n]+"), " "),
    (re.compile(r"[('\[#]{0,2}<id>['\])]{0,2}"), "<id>"),
    (re.compile(r"\(?(?<![a-z])id ?[:=] ?"), "id "),
    (re.compile(r"\b(video|task|job|generation|found|exist) ?[:=#] ?(?=<id>)"), r"\1 "),
    (re.compile(r"<id> ?[:,-] (?=(?:was |is |could |does )?not |doesn't|no longer)"), "<id> "),
)


def says_missing(value: Json, video_id: str, status: int) -> str | None:
    """Return the text which says that the video does not exist; None if there is none.

    From a `status` of 500 on, a clause has to name the watched id, because a broken server's
    sentences about its tables and queues have the same form.
    """
    broken = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    for said in error_texts(value):
        if not broken and _CODE.fullmatch(_as_code(said)):
            return said
        if _states_missing(_tidy(said, video_id), broken=broken):
            return said
    return None


def _states_missing(text: str, *, broken: bool) -> bool:
    """Return whether a clause says that the video is missing and nothing makes it doubtful."""
    if _MAY_COME.search(text):
        return False
    before = 0
    for end in [*(match.span() for match in _CLAUSE_END.finditer(text)), (len(text), 0)]:
        clause = text[before : end[0]].strip(" '")
        if _SENTENCE.fullmatch(clause):
            certain = "<id>" in clause and _NOUN.search(clause) is not None
            if certain or not (broken or _OTHER_SUBJECT.search(text, 0, before)):
                return True
        before = end[1]
    return False


def _as_code(text: str) -> str:
    """Return a text in the form of error codes; a sentence keeps its spaces."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text[:_MAX_TEXT]).lower().replace("-", "_").strip()


def _tidy(said: str, video_id: str) -> str:
    """Return a text with the watched id marked, all quotes alike, and addresses removed."""
    marked = re.sub(rf"(?<![\w-]){re.escape(video_id)}(?![\w-])", "<id>", said)
    text = _ADDRESS.sub(" <url> ", marked[:_MAX_TEXT].lower().translate(_QUOTES))
    for pattern, tidied in _TIDYING:
        text = pattern.sub(tidied, text)
    return text
