"""Answers about the video wherever a gateway puts them, and never one about another video."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.gateway import Dialect, classify
from notifier.model.answer import Answer, NotFound, PollError, Seen
from notifier.model.status import Status
from notifier.model.video import VideoError

ID = "video_68f1"
OTHER = "video_9c02"


def ask(body: object, status: int = 200, video_id: str = ID, **dialect: Any) -> Answer:  # noqa: ANN401 - what a Dialect takes
    return classify(
        status,
        {},
        json.dumps(body).encode(),
        video_id=video_id,
        dialect=Dialect(**dialect),
        wall=0,
    )


def encoded(inner: str, provider: str = "openai", model: str = "m1") -> str:
    text = f"litellm:custom_llm_provider:{provider};model_id:{model};video_id:{inner}"
    return "video_" + base64.b64encode(text.encode()).decode()


COMPLETED, FAILED = Status.COMPLETED, Status.FAILED


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "done", "video": {"url": "u", "duration": 8}, "progress": 100}, COMPLETED),
        ({"status": "completed", "metadata": {"url": "u"}}, COMPLETED),
        ({"request_id": ID, "status": "completed"}, COMPLETED),
        ({"task": {"id": ID, "status": "succeeded"}}, COMPLETED),
        ({"video": {"id": ID, "status": "completed"}}, COMPLETED),
        ({"success": True, "result": {"id": ID, "status": "completed"}}, COMPLETED),
        ({"code": 200, "data": [{"task_id": ID, "status": "completed"}]}, COMPLETED),
        ([{"id": ID, "status": "completed"}], COMPLETED),
        ({"code": 0, "data": {"task_id": ID, "task_status": "succeed"}}, COMPLETED),
        ({"id": ID, "status": "SUCCESS", "data": {"video_url": "u"}}, COMPLETED),
        ({"task_id": ID, "status": "error", "data": None, "message": "NSFW"}, FAILED),
        ({"id": ID, "status": "done"}, COMPLETED),
        ({"id": ID, "status": "succeed"}, COMPLETED),
        ({"id": ID, "status": "SUCCESS", "results": [{"id": "f", "status": "up"}]}, COMPLETED),
        ({"status": "completed", "model": {"id": "sora-2"}}, COMPLETED),
        ({"id": ID, "status": {"state": "completed"}}, COMPLETED),
        ({"id": ID, "status": "success", "data": {"status": 0, "videoUrl": "u"}}, COMPLETED),
        ({"id": ID, "status": "success", "data": {"progress": 100}}, COMPLETED),
        ({"id": ID, "status": "success", "data": {"status": 2, "videos": [{"u": 1}]}}, COMPLETED),
        ({"id": ID, "status": "success", "data": {"id": ID, "file_url": "u"}}, COMPLETED),
        ({"Response": {"Status": "FAIL", "ErrorCode": "x", "ResultVideoUrl": ""}}, FAILED),
        ({"id": ID, "status": "success", "state": "processing"}, Status.IN_PROGRESS),
        ({"id": ID, "status": "success", "task_status": "running"}, Status.IN_PROGRESS),
        ({"id": ID, "status": "ok", "state": "completed"}, COMPLETED),
        ({"Response": {"RequestId": "r", "TaskId": ID, "Status": "DONE"}}, COMPLETED),
        ({"jsonrpc": "2.0", "id": 7, "result": {"id": ID, "status": "completed"}}, COMPLETED),
        # what vendors document
        ({"task": {"task_id": ID, "status": "TASK_STATUS_SUCCEED"}, "extra": {}}, COMPLETED),
        ({"id": ID, "state": "JOB_STATE_RUNNING"}, Status.IN_PROGRESS),
        ({"data": [{"taskUUID": ID, "status": "success", "videoURL": "u"}]}, COMPLETED),
        ({"code": 200, "data": {"taskId": ID, "state": "success", "resultJson": "{}"}}, COMPLETED),
        ({"generations_by_pk": {"id": ID, "status": "COMPLETE"}}, COMPLETED),
        (
            {"request_id": "r", "output": {"task_id": ID, "task_status": "SUCCEEDED"}},
            COMPLETED,  # DashScope
        ),
        (
            {"task_id": ID, "status": "Success", "base_resp": {"status_msg": "success"}},
            COMPLETED,  # MiniMax
        ),
        ({"task_id": ID, "status": "Queueing", "base_resp": {}}, Status.QUEUED),
        (
            {"model": "cogvideox", "request_id": "r", "task_status": "SUCCESS"},
            COMPLETED,  # Zhipu
        ),
        ({"id": ID, "state": "success", "creations": [{"id": "c", "url": "u"}]}, COMPLETED),
        ({"id": ID, "state": "dreaming", "assets": None}, Status.IN_PROGRESS),  # Luma
        ({"request_id": ID, "status": "IN_QUEUE", "logs": None}, Status.QUEUED),  # fal
        ({"id": ID, "status": "THROTTLED"}, Status.QUEUED),  # Runway
        ({"id": ID, "status": "aborted", "logs": ""}, Status.CANCELLED),  # Replicate
        ({"id": ID, "status": "succeeded", "content": {"video_url": "u"}}, COMPLETED),  # Ark
        ({"request_id": ID}, Status.QUEUED),  # xAI, waiting
        (
            {"name": f"models/veo/operations/{ID}", "done": True, "response": {"x": 1}},
            COMPLETED,
        ),
        ({"name": f"models/veo/operations/{ID}", "done": False}, Status.IN_PROGRESS),
        (
            {"name": f"operations/{ID}", "done": True, "error": {"code": 3, "message": "no"}},
            FAILED,
        ),
        ({"code": 0, "data": {"任务": 1, "task_id": ID, "status": "生成中"}}, Status.IN_PROGRESS),
        ({"data": json.dumps({"id": ID, "status": "completed"})}, COMPLETED),
        ({"id": ID, "status": "Ready", "result": {"sample": "u"}}, COMPLETED),  # BFL
        ({"id": ID, "status": "FINISH"}, COMPLETED),
        ({"jobId": ID, "jobStatus": "COMPLETED"}, COMPLETED),
        ({"generationId": ID, "generationStatus": "COMPLETED"}, COMPLETED),
        ({"id": ID, "status": "timeout"}, FAILED),
        ({"id": ID, "status": "TASK_STATUS_TIMED_OUT"}, FAILED),
        ({"id": ID, "status": "NSFW_DETECTED"}, FAILED),
        ({"id": ID, "status": "content filtered"}, FAILED),
        ({"id": ID, "status": "blocked"}, FAILED),
        ({"id": ID, "status": "timeout", "data": {"status": "running"}}, Status.IN_PROGRESS),
        (
            {"code": 10000, "data": {"status": "done"}, "request_id": "r", "status": 10000},
            COMPLETED,
        ),  # Jimeng
        (
            {"Response": {"Status": "DONE", "ErrorCode": "", "RequestId": "r"}},
            COMPLETED,
        ),  # Tencent
        ({"Response": {"Status": "RUN", "ErrorCode": "", "RequestId": "r"}}, Status.IN_PROGRESS),
        ({"Response": {"Status": "WAIT", "ErrorCode": "", "RequestId": "r"}}, Status.QUEUED),
        ({"status": "InQueue", "reason": "", "position": 3}, Status.QUEUED),  # SiliconFlow
        ({"name": f"models/veo/operations/{ID}"}, Status.IN_PROGRESS),  # Gemini, while it runs
        (
            {"name": f"projects/p/operations/{ID}", "metadata": {"@type": "t"}},
            Status.IN_PROGRESS,
        ),
        (
            {"name": f"o/operations/{ID}", "done": True, "response": {"videos": [{"uri": "u"}]}},
            COMPLETED,
        ),
        (
            {"status": "COMPLETED", "request_id": ID, "error": "e", "error_type": "bad_request"},
            FAILED,
        ),  # fal
        ({"id": ID, "status": "errored"}, FAILED),
        ({"id": ID, "status": "REVOKED"}, Status.CANCELLED),  # Celery
        ({"id": ID, "status": "失敗"}, FAILED),
        ({"id": ID, "status": "完了"}, COMPLETED),
        ({"id": ID, "status": "완료"}, COMPLETED),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict | list) else str(value),
)
def test_an_answer_about_the_video_is_understood(body: object, status: Status) -> None:
    answer = ask(body)
    assert isinstance(answer, Seen), answer
    assert answer.snapshot.id == ID
    assert answer.snapshot.status is status


@pytest.mark.parametrize(
    "body",
    [
        {"status": "error", "message": "busy"},
        {"status": "success"},
        {"status": "fail", "data": None},
        {"status": "timeout", "message": "upstream"},
        {"status": "rejected", "message": "too many requests"},
        {"status": "blocked"},
        {"id": OTHER, "status": "completed"},
        {"status": "completed", "data": {"id": OTHER}},
        {"request_id": "r", "status": "completed"},
        {"data": {"id": OTHER, "status": "completed"}},
        {"success": True, "result": [{"id": OTHER, "status": "failed"}]},
        {"status": "success", "task_id": ID, "data": {"id": OTHER, "status": "completed"}},
        [{"status": "completed"}, {"status": "completed"}],
        {"jobs": [{"status": "completed"}, {"status": "failed"}]},
        {"a": {"status": "completed"}, "b": {"status": "failed"}},
        [{"id": ID, "status": "completed"}, {"id": ID, "status": "failed"}],
        {"id": ID, "status": "processing", "data": {"id": ID, "status": "completed"}},
        {"status": "rendering", "upload": {"status": "completed"}},
        {"status": "rendering", "x": {"status": "completed"}},
        {"status": "ok"},
        {"id": OTHER, "status": "queued", "metadata": {"id": ID, "status": "failed"}},
        {"prompt": json.dumps({"id": ID, "status": "failed"})},
        {"error": {"message": f"{OTHER} ended: {json.dumps({'status': 'failed'})}"}},
        {"error": {"message": json.dumps({"id": OTHER, "status": "failed"})}},
        {"error": {"status": "failed", "message": "upstream"}},
        {"status": "失败", "message": "系统繁忙"},
        {"status": "成功", "data": None},
        {"request_id": "r", "code": 0, "status": "completed"},
        {"name": "models/veo/operations/other"},
        {"Resp": {"id": ID, "status": 1}},
        {"status": "success", "task_id": ID, "data": {"status": 0, "progress": 40}},
        {"status": "success", "task_id": ID, "data": {"progress": "12%"}},
        {"status": "success", "task_id": ID, "data": {"taskId": ID, "response": None}},
        {"status": "success", "id": ID, "Resp": {"id": ID, "status": 5}},
        {"status": "success", "task_id": ID, "data": {"queue_position": 4}},
        {"status": "success", "video_id": ID, "data": {"video_url": None}},
        {"status": "success", "video_id": ID, "data": {"videos": []}},
        {"status": "success", "video_id": ID, "data": {"id": ID, "response_url": "u"}},
        {"name": f"models/veo/operations/{ID}", "done": True},
    ],
    ids=lambda value: json.dumps(value)[:60],
)
@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_what_may_be_about_something_else_ends_nothing(body: object, status: int) -> None:
    answer = ask(body, status)
    assert isinstance(answer, PollError), answer


FILTERED = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["violates guidelines"]}


@pytest.mark.parametrize("response", [FILTERED, {"generateVideoResponse": FILTERED}])
def test_an_operation_whose_videos_were_all_filtered_has_failed(response: object) -> None:
    answer = ask({"name": f"models/veo/operations/{ID}", "done": True, "response": response})
    assert isinstance(answer, Seen)
    assert answer.snapshot.status is FAILED
    assert answer.snapshot.error == VideoError("violates guidelines")


@pytest.mark.parametrize("number", [1, 0, 200])
def test_a_status_that_is_a_number_means_what_the_config_says(number: int) -> None:
    words = {str(number): COMPLETED}
    for body in ({"ErrCode": 0, "Resp": {"id": ID, "status": number}}, {"state": number}):
        answer = classify(
            *(200, {}, json.dumps(body).encode()),
            video_id=ID,
            dialect=Dialect(status_words=words),
            wall=0,
        )
        assert isinstance(answer, Seen)
        assert answer.snapshot.status is COMPLETED


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"Resp": {"id": ID, "status": 7}}, "it has the fields Resp and the status '7'"),
        ({"state": "flummoxed", "eta": 3}, "it has the fields state, eta and the status 'flummox"),
        ({"eta": 3, "url": "u"}, "it has the fields eta, url and no status of a job"),
        ({f"k{number}": 1 for number in range(9)}, "k7, … and no status of a job"),
        ({"state": "success", "creations": []}, "state, creations and the status 'success'"),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "login fail; it has"),
        (
            {"Response": {"Error": {"Code": "AuthFailure", "Message": "No SecretId"}}},
            "No SecretId",
        ),
        ([], "an array of 0 and no status of a job"),
        (7, "the JSON value 7 and no status of a job"),
        ({"error": {"message": "try later"}, "x": 1}, "try later; it has the fields error, x"),
        (
            [{"id": ID, "status": "completed"}, {"id": ID, "status": "failed"}],
            "it describes the job more than once, as 'completed', 'failed'",
        ),
    ],
)
def test_what_is_not_understood_says_what_was_seen(body: object, detail: str) -> None:
    answer = ask(body)
    assert isinstance(answer, PollError)
    assert detail in answer.detail


def litellm(quoted: object, kind: str = "BadRequestError: OpenAIException") -> dict[str, object]:
    message = f"litellm.{kind} - {json.dumps(quoted)}\n\nLiteLLM: model group 'sora-2' failed with the error above. No fallback was attempted."  # noqa: E501 - as it was sent
    return {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": None,
            "code": "404",
        }
    }


def gone(video_id: str) -> dict[str, object]:
    return {
        "error": {
            "message": f"Video with id '{video_id}' not found.",
            "type": "invalid_request_error",
            "code": "video_not_found",
        }
    }


def test_a_quoted_denial_in_an_error_of_litellm_is_a_not_found() -> None:
    assert isinstance(ask(litellm(gone(ID)), 404), NotFound)
    assert isinstance(ask(litellm(gone("video_1")), 404, encoded("video_1")), NotFound)
    twice = litellm(litellm(gone(ID)), "NotFoundError: Hosted_vllmException")
    assert isinstance(ask(twice, 404), NotFound)


def test_a_denial_that_is_quoted_as_python_writes_it_is_a_not_found() -> None:
    said = f"Error code: 404 - {gone(ID)!r}. Received Model Group=sora-2"
    assert isinstance(ask({"error": {"message": said, "code": "404"}}, 404), NotFound)


FAILED_JOB = {
    "id": "video_gen_5f29",
    "object": "video",
    "status": "failed",
    "progress": 0,
    "error": {"code": 500, "message": "worker went away"},
}


def test_a_failed_job_that_an_error_of_litellm_quotes_has_failed() -> None:
    body = litellm(FAILED_JOB, "InternalServerError: Hosted_vllmException")
    answer = ask(body, 500, encoded("video_gen_5f29", "hosted_vllm"))
    assert isinstance(answer, Seen)
    assert answer.snapshot.status is FAILED
    assert answer.snapshot.error == VideoError("worker went away", "500")

    assert isinstance(ask(body, 500, encoded("video_gen_0000", "hosted_vllm")), PollError)
    assert isinstance(ask(body, 500), PollError)


@pytest.mark.parametrize(
    "escape",
    [
        lambda said: said.replace('"', '\\"'),
        json.dumps,
        lambda said: json.dumps(json.dumps(said)),
        lambda said: said.replace('"', "&quot;"),
        lambda said: said.replace('"', "\\u0022"),
        lambda said: repr(said.encode()),
        lambda said: repr(json.dumps(said)),
    ],
)
def test_a_quotation_may_be_escaped_more_often_than_it_needs(
    escape: Callable[[str], str],
) -> None:
    for around in ("{}", "Upstream answered 500: {}", "HTTPError({}) (group 'x')"):
        said = around.replace("{}", escape(json.dumps(FAILED_JOB)))
        answer = ask({"error": {"message": said}}, 500, "video_gen_5f29")
        assert isinstance(answer, Seen), said
        assert answer.snapshot.error == VideoError("worker went away", "500")
        assert isinstance(ask({"error": {"message": said}}, 500), PollError)

        said = around.replace("{}", escape(json.dumps(gone(ID))))
        assert isinstance(ask({"error": {"message": said}}, 404), NotFound), said
        assert isinstance(ask({"error": {"message": said}}, 500, OTHER), PollError)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (encoded("v1", model="a"), encoded("v1", model="b"), True),
        (encoded("v1"), encoded("v2"), False),
        (encoded("v1", "azure"), encoded("v1", "openai"), False),
        (encoded("v1"), "v1", True),
        (encoded("v1").rstrip("="), encoded("v1"), True),
        ("video_bGl0ZWxsbQ==", "video_bGl0ZWxsbTo=", False),
        ("video_" + "A" * 60, "video_" + "A" * 60, True),
    ],
)
def test_ids_of_litellm_are_compared_by_provider_and_inner_id(
    one: str, other: str, *, same: bool
) -> None:
    for asked, given_id in ((one, other), (other, one)):
        answer = ask({"id": given_id, "object": "video", "status": "completed"}, video_id=asked)
        assert isinstance(answer, Seen) == same
        if isinstance(answer, Seen):
            assert answer.snapshot.id == asked


EXAMPLES: list[tuple[object, bool]] = [
    ({"id": ID, "object": "video", "status": "queued", "progress": 0}, True),
    ({"id": ID, "status": "completed", "model": "m", "progress": 100, "url": "u"}, True),
    ({"id": ID, "status": "failed", "error": {"code": "x", "message": "y"}}, True),
    ({"task_id": ID, "task_status": "succeed", "created_at": 1760627077123}, True),
    ({"id": ID, "status": "SUCCESS", "data": {"video_url": "u"}}, True),
    ({"request_id": ID, "status": "done"}, True),
    ({"status": "completed", "progress": 100, "url": "u"}, False),
    ({"status": "processing"}, False),
]
NAMES = st.sampled_from(["data", "result", "output", "task", "video", "response", "payload", "x"])
AROUND: st.SearchStrategy[dict[str, object]] = st.sampled_from(
    [{}, {"code": 0}, {"success": True}, {"status": "success"}, {"message": "ok", "code": "200"}]
)


@st.composite
def wrappings(draw: st.DrawFn, example: object, most: int = 8) -> object:
    value = example
    for _ in range(draw(st.integers(0, most))):
        value = {**draw(AROUND), draw(NAMES): value} if draw(st.booleans()) else [value]
    return value


@given(st.data(), st.sampled_from(EXAMPLES))
def test_every_answer_reads_the_same_in_every_wrapper(
    data: st.DataObject, example: tuple[object, bool]
) -> None:
    plain = ask(example[0])
    assert isinstance(plain, Seen)
    assert ask(data.draw(wrappings(example[0]))) == plain


@given(st.data(), st.sampled_from([one for one, named in EXAMPLES if named]), st.integers(1, 4))
def test_every_answer_that_names_the_video_reads_the_same_in_every_quotation(
    data: st.DataObject, example: object, times: int
) -> None:
    value = example
    for _ in range(times):
        said = json.dumps(data.draw(wrappings(value, 3)))
        name = data.draw(st.sampled_from(["message", "error", "detail", "msg"]))
        value = {name: data.draw(st.sampled_from([said, f"Upstream - {said}\n\nGroup 'x'."]))}
        value = {"error": value, "code": "x"} if data.draw(st.booleans()) else value
    assert ask(value) == ask(example)


def about_another(example: object) -> object:
    return json.loads(json.dumps(example).replace(ID, OTHER))


@given(
    st.data(),
    st.sampled_from([one for one, named in EXAMPLES if named] + [gone(ID)]),
    st.sampled_from([200, 400, 404, 500]),
)
def test_what_speaks_of_another_video_ends_nothing_however_it_is_wrapped(
    data: st.DataObject, example: object, status: int
) -> None:
    value = data.draw(wrappings(about_another(example), 3))
    if data.draw(st.booleans()):
        value = litellm(value)
    answer = ask(value, status)
    assert not isinstance(answer, Seen)
    if status == 500:
        assert not isinstance(answer, NotFound)
