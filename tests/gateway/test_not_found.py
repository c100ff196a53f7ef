"""What counts as "no such video", and what only sounds like it: a live video may not be lost."""

import json

import pytest

from notifier.gateway import Dialect, classify
from notifier.model.answer import Answer, NotFound, PollError, Seen

VIDEO = "video_1"


def ask(body: object, status: int, *, rewrites_ids: bool = False) -> Answer:
    return classify(
        status,
        {},
        json.dumps(body).encode(),
        video_id=VIDEO,
        dialect=Dialect(rewrites_ids=rewrites_ids),
        wall=1_760_000_000,
    )


def say(message: str, status: int) -> Answer:
    return ask({"error": {"message": message, "type": "error", "code": None}}, status)


GROUP = "Received Model Group=sora-2\nAvailable Model Group Fallbacks=None"
QUOTED = '{"error": {"message": "Video not found", "code": null}}'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"message": "Video not found", "code": "video_not_found"}}, 404),
        ({"error": {"code": "task_not_found"}}, 404),
        ({"error": {"code": "VideoNotFoundError"}}, 404),
        ({"Response": {"Error": {"Code": "ResourceNotFound.TaskNotFound"}}}, 404),
        ({"error": {"type": "video_not_found_error"}}, 404),
        ({"error": {"code": "video_not_found", "message": ""}}, 200),
        ({"code": "task_not_exist", "message": "任务不存在"}, 400),
        ({"detail": "Video not found"}, 404),
        ({"detail": {"message": "Task video_1 does not exist"}}, 400),
        ({"detail": [{"loc": ["path"], "msg": "video not found"}]}, 404),
        ({"errors": [{"message": "Video video_1 not found"}]}, 404),
        ([{"error": {"message": "video not found"}}], 404),
        ("Video not found", 404),
        ({"message": "no such video: video_1"}, 404),
        ({"id": "req_1", "status": "error", "message": "Video not found"}, 404),
        ({"task_id": VIDEO, "status": "error", "message": "task not exist"}, 400),
    ],
)
def test_a_denial_is_found_wherever_a_gateway_puts_it(body: object, status: int) -> None:
    assert isinstance(ask(body, status), NotFound)


LATER = "Please try again later"
NOT_READY = "The video is not ready yet, please try again later"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"code": "video_not_found", "message": NOT_READY}}, 404),
        ({"error": {"code": "video_not_found", "message": "The video is not ready"}}, 404),
        ({"error": {"code": "task_not_found", "message": "Try again in a moment"}}, 404),
        ({"error": {"type": "video_not_found_error", "message": "Available soon"}}, 404),
        ({"error": {"message": "Video video_1 not found", "detail": LATER}}, 404),
        ({"error": {"message": "Video video_1 not found", "detail": LATER}}, 500),
        ({"error": "Video not found", "message": LATER}, 404),
        ({"error": {"code": "video_not_found", "type": "not_ready"}}, 404),
        ({"code": "task_not_exist", "message": f"task is being synchronized, {LATER}"}, 404),
        ({"code": "task_not_exist", "message": "task is being created", "data": None}, 400),
        ({"code": "task_not_exist", "message": "任务尚未同步，请稍后重试"}, 400),  # noqa: RUF001
        ({"code": "task_not_exist", "message": "任务正在同步"}, 400),
        ({"code": "task_not_exist", "message": "任務同步中，請稍後再試"}, 400),  # noqa: RUF001
        ({"code": "task_not_exist", "message": "しばらくしてからもう一度お試しください"}, 404),
        ({"code": "task_not_exist", "message": "잠시 후 다시 시도해 주세요"}, 404),
        ({"code": "invalid_video_id", "message": LATER}, 404),
        ({"code": "video_not_found", "message": "Video generation is in progress"}, 404),
        ({"code": "video_not_found", "message": "The video is currently processing"}, 404),
        ({"code": "task_not_found", "message": "The task is queued"}, 404),
        ({"code": "task_not_exist", "message": "Please retry after 30 seconds"}, 404),
        ({"error": {"code": "video_not_found", "message": NOT_READY}}, 200),
    ],
)
def test_a_denial_beside_a_text_that_the_video_may_come_ends_nothing(
    body: object, status: int
) -> None:
    assert isinstance(ask(body, status), PollError)


def test_a_missing_word_beside_a_text_that_the_video_may_come_ends_nothing() -> None:
    answer = ask({"id": VIDEO, "status": "not_found", "message": NOT_READY}, 200)
    assert isinstance(answer, Seen)
    assert not answer.snapshot.ended


@pytest.mark.parametrize(
    "message",
    [
        "The video with id video_1 was not found.",
        "Video 'video_1' could not be found",
        "video not found: video_abc",
        "Video not found: video_1. Check the URL",
        "Video generation job with id gen-9_x not found.",
        "Video generation job not found",
        "Generation with ID: video_1 could not be found",
        "Video not found or does not belong to this user",
        "Video not found (request id: 20260101-abc)",
        "video_id video_1 not found",
        "task_id 'video_1' not found",
        "No video found with id video_1",
        "No video with id video_1 exists",
        "No task found",
        "Unknown task.",
        "Unable to find video video_1",
        "Can't find video video_1",
        "Can\u2019t find video \u201cvideo_1\u201d",
        "The requested video doesn\u2019t exist",
        "video video_1: not found",
        "video_1 not found",
        "Error code: 404 - Task not found",
        f"litellm.NotFoundError: OpenAIException - Video with id 'video_1' not found. {GROUP}",
        f"litellm.NotFoundError: NotFoundError: OpenAIException - {QUOTED}",
        f"litellm.NotFoundError: {QUOTED}. Received Model Group=sora-2",
        "Error processing request: video not found",
        "No video found in your account",
        "Could not find task video_1 in your account",
        "任务不存在",
        "任务ID不存在",
        "未找到任务",
        "找不到该任务",
        "未找到该视频",
        "视频 video_1 不存在",
    ],
)
def test_every_sentence_for_no_such_video_is_understood(message: str) -> None:
    assert isinstance(say(message, 404), NotFound)
    assert isinstance(say(message, 400), NotFound)


@pytest.mark.parametrize("status", [400, 404, 500, 502])
@pytest.mark.parametrize(
    "message",
    [
        "Function video-status-2 not found",
        "Service video-gen-svc not found",
        "backend video_worker_1 not found",
        "host video-api-1.internal not found",
        "Namespace video-prod not found",
        "Project video-prod-1 not found",
        "video worker-2 not found",
        "job queue-2 not found",
        "Cluster job-runner-2 does not exist",
        "Upstream job-queue-eu could not be found",
        "Video generation does not exist in this region",
        "Video generation not found in your plan",
        "Video generation not found",
        "failed to load video video_1: job shard_3 not found",
        "video video_1: storage task-cache-1 does not exist",
        "video_1-thumbnail not found",
        "Error querying task video_1: table tasks does not exist",
        "Model sora-2: video not found",
        "Reference image for video_1: task not found",
        "Video not found or still processing",
        "Video not found yet",
        "任务队列不存在",
        "Error 1146 (42S02): Table 'newapi.tasks' doesn't exist",
        'relation "tasks" does not exist',
        'column "generation" does not exist',
        "Unknown task type",
        "unknown video parameter",
        "Could not find job queue",
        "No such job scheduler is available",
        "Task failed: worker not found",
        "Failed to fetch task: dial tcp: lookup redis: host not found",
        "video generation service: host not found",
        "video storage bucket does not exist",
        "The model for this video was not found",
        "The requested URL /videos/video_1 was not found",
        "Invalid URL (GET /videos/video_1)",
        "GET /v1/videos/video_1: 404 not found",
        "/v1/videos/video_1/content not found",
        "no available channel for model sora-2: not found",
        "upstream: the video was not found there",
        "Not Found",
    ],
)
def test_whatever_else_is_missing_is_trouble(message: str, status: int) -> None:
    answer = say(message, status)
    assert isinstance(answer, PollError), answer
    if status == 404:
        assert "/v1" in answer.hint


@pytest.mark.parametrize("body", [{}, {"detail": "Not Found"}, {"error": "Not Found"}, [], "", 7])
def test_a_404_that_names_nothing_is_trouble(body: object) -> None:
    assert isinstance(ask(body, 404), PollError)


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("Video 'video_1' could not be found", NotFound),
        ("task video_1 does not exist", NotFound),
        ("Video not found", PollError),
        ("Unknown task.", PollError),
        ("Failed to load video video_1: task not found", PollError),
        ("task_not_found", PollError),
        ("video_1 not found", PollError),
    ],
)
def test_a_broken_server_is_believed_only_about_the_watched_id(
    message: str, answer: type[Answer]
) -> None:
    assert isinstance(say(message, 500), answer)


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("word", ["queued", "failed", "flummoxed"])
@pytest.mark.parametrize("video_id", [VIDEO, "video_2"])
def test_what_a_video_object_says_is_missing_is_never_the_video(
    video_id: str, word: str, status: int
) -> None:
    error = {"code": "video_not_found", "message": "Video not found"}
    body = {"id": video_id, "object": "video", "status": word, "error": error}

    assert not isinstance(ask(body, status), NotFound)
    assert not isinstance(ask(body, status, rewrites_ids=True), NotFound)
    del body["status"]
    assert not isinstance(ask(body, status), NotFound)


def test_another_id_is_pointed_out_even_when_its_error_sounds_like_a_denial() -> None:
    error = {"code": "video_not_found", "message": "reference video not found"}
    answer = ask({"id": "video_2", "status": "failed", "error": error}, 200)
    assert isinstance(answer, PollError)
    assert answer.reason == "other_id"
    assert "rewrites_ids" in answer.hint


def test_a_failed_job_that_lost_its_reference_has_failed() -> None:
    error = {"code": "video_not_found", "message": "reference video not found"}
    answer = ask({"id": VIDEO, "status": "failed", "error": error}, 404)
    assert isinstance(answer, Seen)
    assert answer.snapshot.ended


def test_a_denial_behind_many_other_texts_is_not_looked_for() -> None:
    texts = [{"message": f"warning {number}"} for number in range(8)]
    assert isinstance(ask({"errors": [*texts, {"message": "Video not found"}]}, 404), PollError)


def test_a_quoted_answer_that_cannot_be_encoded_again_does_no_harm() -> None:
    answer = say('upstream said {"error": {"message": "Video not found. \\ud800"}}', 404)
    assert isinstance(answer, NotFound)
    answer.detail.encode()
    assert isinstance(say("upstream said {" * 100 + "}", 404), PollError)
