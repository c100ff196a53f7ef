"""A gateway may say anything, also what it was sent: secrets end here, innocent texts do not."""

import json

import pytest

from notifier.gateway import Dialect, SecretEchoMask, classify
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.model.status import Status

VIDEO = "video_1"
KEY = "sk-echoed-0123456789abcdef"


def ask(body: object, secret: str = KEY, *, status: int = 200, video_id: str = VIDEO) -> Answer:
    echoes = SecretEchoMask()
    echoes.add(secret)
    return classify(
        status,
        {},
        body if isinstance(body, bytes) else json.dumps(body).encode(),
        video_id=video_id,
        dialect=Dialect({"all_done": Status.COMPLETED}, echoes=echoes),
        wall=0,
    )


@pytest.mark.parametrize("status", [200, 401, 404, 500])
@pytest.mark.parametrize("field", ["error", "detail", "id", "status", "model", "fail_reason"])
def test_a_secret_is_masked_before_anything_is_cut_or_kept(field: str, status: int) -> None:
    text = f"{'x' * 190} bad key {KEY}"
    job = {"id": VIDEO, "status": "failed"}
    for body in ({field: text}, {**job, field: text}, {**job, "debug": [{KEY: text}]}):
        assert "sk-echoed" not in repr(ask(body, status=status))
    assert "sk-echoed" not in repr(ask({**job, field: f"{'x' * 55} {KEY}"}, status=status))


@pytest.mark.parametrize(
    "echoed",
    [KEY, f"Bearer {KEY}", f"%22{KEY}%22", f"x{KEY}y", f"key={KEY}&", KEY.replace("-", "\\u002d")],
)
def test_a_secret_is_found_however_it_is_written_into_the_answer(echoed: str) -> None:
    body = f'{{"id": "{VIDEO}", "status": "failed", "error": "{echoed}"}}'
    assert "echoed" not in repr(ask(body.encode()))


def test_a_key_from_before_a_rotation_is_masked_too() -> None:
    echoes = SecretEchoMask()
    echoes.add("old-secret-1")
    echoes.add("new-secret-2")
    said = echoes.masked({"error": "old-secret-1, new-secret-2"}, VIDEO, {})
    assert said == {"error": "[secret], [secret]"}


@pytest.mark.parametrize("secret", ["video_gen", "sk", "video", "completed", "video_gen_12ab"])
def test_a_placeholder_for_a_key_changes_neither_id_nor_status(secret: str) -> None:
    video_id = "video_gen_12ab"
    url = f"https://cdn.example/{video_id}.mp4"
    body = {"id": video_id, "object": "video", "status": "completed", "url": url}

    answer = ask(body, secret, video_id=video_id)

    assert isinstance(answer, Seen)
    assert answer.snapshot.status is Status.COMPLETED
    assert answer.snapshot.extra == {"url": url}
    gone = {"error": {"message": f"Video '{video_id}' not found"}}
    assert isinstance(ask(gone, secret, status=404, video_id=video_id), NotFound)


def test_a_word_that_the_config_explains_is_read_though_it_is_the_key() -> None:
    answer = ask({"id": VIDEO, "status": "ALL_DONE"}, "all_done")
    assert isinstance(answer, Seen)
    assert answer.snapshot.ended


def test_a_placeholder_is_masked_where_it_stands_alone() -> None:
    answer = ask(
        {"id": VIDEO, "status": "queued", "a": "key video_gen?", "b": "video_gen_v2"}, "video_gen"
    )
    assert isinstance(answer, Seen)
    assert answer.snapshot.extra == {"a": "key [secret]?", "b": "video_gen_v2"}


@pytest.mark.parametrize("status", [200, 401, 404, 502])
def test_the_text_of_an_answer_that_is_not_json_is_kept_without_secrets(status: int) -> None:
    page = f"<html><title>Bad\u202e Gateway</title><p>key {KEY} at proxy-7</p></html>"
    answer = ask(page.encode(), status=status)
    assert isinstance(answer, PollError)
    assert "Bad\ufffd Gateway key [secret] at proxy-7" in answer.detail


def test_a_refused_key_without_json_says_what_the_gateway_said() -> None:
    answer = ask(f"no such key: {KEY}".encode(), status=401)
    assert isinstance(answer, Unauthorized)
    assert answer.detail == "no such key: [secret]"
