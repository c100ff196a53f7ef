"""Two ways to recognise "no such video", compared: a grammar, and a control question.

A control question asks the gateway, rarely, about an id that cannot exist and about a path that
cannot exist. An answer about a watched id that equals the first, ids masked, and not the second
would be this gateway's way to say no, in any language. It was not adopted. It cannot tell a video
that is gone from a route that is: an outage behind the route (no database, a model that was
removed, a worker that is away) answers every id alike and a wrong path differently. So it would
end paid jobs, which the grammar never does. If another video has to be answered well at the same
time, it ends none either, and knows other languages. But that takes two more kinds of questions
and state per gateway, and decides nothing for a single watch.

Where the grammar does not recognise a sentence, the watch goes on until `give_up_after`. The
corpus holds the sentences that the grammar was written for, and others. So its numbers compare the
designs, and do not predict how many unseen sentences are recognised.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from notifier.gateway import Dialect, classify
from notifier.model.answer import NotFound
from tests.gateway.test_final_refusals import GONE

ID, IMPOSSIBLE = "video_68f1", "video_0000"
Reply = tuple[int, object]

FRAMEWORK: Reply = (404, {"detail": "Not Found"})


@dataclass(frozen=True)
class Case:
    """What a gateway answers about a watched id, about an impossible id, and on a wrong path."""

    answer: Reply
    impossible_id: Reply
    wrong_path: Reply
    gone: bool
    another_is_known: bool = True


def _renamed(value: object) -> object:
    return json.loads(json.dumps(value).replace(ID, IMPOSSIBLE))


def missing(status: int, body: object, wrong_path: Reply = FRAMEWORK) -> Case:
    return Case((status, body), (status, _renamed(body)), wrong_path, gone=True)


def outage(status: int, body: object, wrong_path: Reply = FRAMEWORK) -> Case:
    alike = (status, _renamed(body))
    return Case((status, body), alike, wrong_path, gone=False, another_is_known=False)


def trouble(status: int, body: object, impossible_id: Reply) -> Case:
    return Case((status, body), impossible_id, FRAMEWORK, gone=False)


def error(message: str) -> object:
    return {"error": {"message": message}}


NOT_KNOWN: Reply = (404, error("Video not found"))
OTHER_LANGUAGES = [
    "Vidéo introuvable", "Video nicht gefunden", "Vídeo não encontrado", "Видео не найдено",
    "動画が見つかりません", "영상을 찾을 수 없습니다", "El video no existe", "Vidéo inconnue",
]  # fmt: skip
UNSEEN = ["E1404", "no hit", "missing: {id}", "Nothing here.", "item unavailable", "NoSuchKey"]
BEHIND_THE_ROUTE = [
    (500, "database is down"), (500, "Internal server error"), (400, "No connected db."),
    (404, "Model sora-2 not found"), (404, "no healthy upstream"), (400, "unsupported version"),
    (404, "Deployment does not exist"), (404, "The worker is gone"), (400, "quota exceeded"),
    (404, "Not Found"), (400, "Storage not found"), (410, "This version of the API is gone"),
    (404, "当前分组下没有可用渠道"), (400, "余额不足"), (404, "Session expired"),
]  # fmt: skip
CORPUS = [
    *(missing(404, error(text)) for text in GONE),
    *(missing(400, {"code": 5, "msg": text}) for text in GONE),
    *(missing(404, error(text)) for text in OTHER_LANGUAGES),
    *(missing(404, error(text.replace("{id}", ID))) for text in UNSEEN),
    missing(404, {"detail": "Not Found"}),  # as for a wrong path: nothing can tell
    missing(404, error("Not Found")),
    *(outage(status, error(text)) for status, text in BEHIND_THE_ROUTE),
    outage(404, error("Resource not found")),
    outage(503, error("unavailable"), (503, error("unavailable"))),
    outage(404, error("Not Found"), (404, error("Not Found"))),
    *(trouble(status, error(text), NOT_KNOWN) for status, text in BEHIND_THE_ROUTE),
    trouble(500, error(f"Failed to load {ID}: shard not found"), NOT_KNOWN),
    trouble(404, error(f"Reference image for {ID} not found"), NOT_KNOWN),
    trouble(404, error("Video not found yet"), NOT_KNOWN),
]


def by_grammar(case: Case) -> bool:
    status, body = case.answer
    text = json.dumps(body).encode()
    answer = classify(status, {}, text, video_id=ID, dialect=Dialect(), wall=0)
    if not isinstance(answer, NotFound) or status == HTTPStatus.GONE:
        return False
    return case.another_is_known or not answer.generic


def by_control_question(case: Case) -> bool:
    status, body = case.answer
    masked = (status, _renamed(body))
    return status < 500 and masked == case.impossible_id and masked != case.wrong_path


def by_both(case: Case) -> bool:
    return by_grammar(case) or by_control_question(case)


def with_another_known(case: Case) -> bool:
    return by_grammar(case) or (case.another_is_known and by_control_question(case))


def counted(design: Callable[[Case], bool]) -> tuple[int, int]:
    """Return how many cases a design decides rightly, and how many jobs it ends wrongly."""
    right = sum(design(case) == case.gone for case in CORPUS)
    return right, sum(design(case) and not case.gone for case in CORPUS)


def test_the_grammar_ends_no_job_wrongly_and_the_control_question_does() -> None:
    designs = (by_grammar, by_control_question, by_both, with_another_known)
    results = {design.__name__: counted(design) for design in designs}
    assert len(CORPUS) == 260
    assert results == {
        "by_grammar": (246, 0),
        "by_control_question": (245, 14),
        "by_both": (245, 14),
        "with_another_known": (259, 0),
    }
