"""Every row of the table of gateways seen in the wild, and what it has to mean."""

import json
from collections.abc import Mapping

import pytest

from notifier.gateway import Dialect, classify
from notifier.model.answer import Answer, NotFound, PollError, Seen
from notifier.model.status import SYNONYMS, Status
from notifier.model.video import Snapshot, VideoError

VIDEO = "video_1"


def ask(
    body: object,
    status: int = 200,
    *,
    video_id: str = VIDEO,
    words: Mapping[str, Status] | None = None,
    rewrites_ids: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    return classify(
        status,
        headers or {},
        json.dumps(body).encode(),
        video_id=video_id,
        dialect=Dialect(words or {}, rewrites_ids=rewrites_ids),
        wall=1_760_000_000,
    )


def seen(body: object, status: int = 200, **options: object) -> Snapshot:
    answer = ask(body, status, **options)  # type: ignore[arg-type]  # options pass through
    assert isinstance(answer, Seen), answer
    return answer.snapshot


@pytest.mark.parametrize(("word", "status"), SYNONYMS.items())
@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title])
def test_every_synonym_is_understood_in_any_case(
    word: str, status: Status, spelled: object
) -> None:
    assert callable(spelled)
    assert seen({"id": VIDEO, "status": spelled(word)}).status is status


@pytest.mark.parametrize("word", ["rendering", "archived", "odd", ""])
def test_an_unknown_word_is_no_ending(word: str) -> None:
    snapshot = seen({"id": VIDEO, "status": word})
    assert snapshot.status is None
    assert not snapshot.ended


def test_a_configured_word_is_understood() -> None:
    assert seen({"id": VIDEO, "status": "DONE"}, words={"done": Status.COMPLETED}).ended


def test_new_api_may_set_completed_at_while_running() -> None:
    running = {"id": VIDEO, "status": "processing", "completed_at": 1760000100}
    assert not seen(running).ended


def test_new_api_starts_as_unknown() -> None:
    assert seen({"id": VIDEO, "status": "unknown"}).status is Status.QUEUED


def test_new_api_says_no_such_task_with_400() -> None:
    body = {"code": "task_not_exist", "message": "task not exist", "data": None}
    assert isinstance(ask(body, 400), NotFound)


def test_older_new_api_wraps_the_task_and_writes_progress_as_text() -> None:
    task = {"task_id": VIDEO, "status": "IN_PROGRESS", "progress": "50%"}
    snapshot = seen({"code": "success", "message": "", "data": task})
    assert (snapshot.status, snapshot.progress) == (Status.IN_PROGRESS, 50)


def test_milliseconds_become_seconds() -> None:
    assert seen({"id": VIDEO, "status": "queued", "created_at": 1760627077123}).created_at == (
        1760627077
    )


def test_the_failure_text_that_new_api_puts_into_metadata_url_becomes_the_error() -> None:
    body = {"id": VIDEO, "status": "failed", "metadata": {"url": "upstream refused"}}
    assert seen(body).error == VideoError("upstream refused", None)


def test_a_result_url_in_metadata_is_passed_through_and_is_no_error() -> None:
    metadata = {"url": "https://cdn.example/v.mp4"}
    snapshot = seen({"id": VIDEO, "status": "completed", "metadata": metadata})
    assert snapshot.error is None
    assert snapshot.extra == {"metadata": metadata}


def test_litellm_tells_neither_progress_nor_time() -> None:
    snapshot = seen({"id": VIDEO, "status": "processing", "created_at": 0})
    assert (snapshot.status, snapshot.progress, snapshot.created_at) == (
        Status.IN_PROGRESS,
        None,
        None,
    )


def test_litellm_rewritten_ids_are_believed_only_when_the_config_says_so() -> None:
    body = {"id": "video_bGl0ZWxsbQ==", "status": "completed"}

    answer = ask(body)
    assert isinstance(answer, PollError)
    assert answer.reason == "other_id"
    assert "rewrites_ids = true" in answer.hint

    assert seen(body, rewrites_ids=True).id == VIDEO


def test_litellm_reports_its_own_errors_as_500() -> None:
    answer = ask({"error": {"message": "APIConnectionError", "code": "500"}}, 500)
    assert isinstance(answer, PollError)
    assert answer.reason == "http_500"


def test_vllm_omni_reports_a_failed_job_with_an_error_status() -> None:
    body = {
        "id": VIDEO,
        "object": "video",
        "status": "failed",
        "error": {"code": 507, "message": "out of memory"},
        "inference_time_s": 1.5,
    }
    snapshot = seen(body, 500)
    assert snapshot.status is Status.FAILED
    assert snapshot.error == VideoError("out of memory", "507")
    assert snapshot.extra == {"inference_time_s": 1.5}


def test_an_error_status_with_a_running_job_is_trouble() -> None:
    assert isinstance(ask({"id": VIDEO, "status": "in_progress"}, 500), PollError)


def test_a_generic_error_that_happens_to_have_a_status_is_no_ending() -> None:
    assert isinstance(ask({"status": "error", "message": "boom"}, 500), PollError)
    assert isinstance(ask({"status": "failed"}, 500, rewrites_ids=True), PollError)
    assert isinstance(ask({"status": "error", "message": "boom"}, 200), PollError)


def test_openrouter_gives_the_error_as_text_and_may_expire() -> None:
    body = {
        "id": VIDEO,
        "status": "expired",
        "error": "took too long",
        "polling_url": "https://openrouter.example/1",
        "unsigned_urls": ["https://cdn.example/1"],
    }
    snapshot = seen(body)
    assert snapshot.status is Status.FAILED
    assert snapshot.error == VideoError("took too long", "expired")
    assert set(snapshot.extra) == {"polling_url", "unsigned_urls"}


def test_unsloth_asks_for_a_poll_after_some_milliseconds() -> None:
    answer = ask({"id": VIDEO, "status": "in_progress"}, headers={"openai-poll-after-ms": "12500"})
    assert answer.wait == 12.5


@pytest.mark.parametrize("code", ["cancelled", "canceled"])
def test_unsloth_reports_a_cancel_as_a_failure(code: str) -> None:
    body = {"id": VIDEO, "status": "failed", "error": {"code": code, "message": "stopped"}}
    assert seen(body).status is Status.CANCELLED


@pytest.mark.parametrize(
    "error",
    [
        {"code": "user_cancelled"},
        {"code": "job_cancelled", "message": "Cancelled by user"},
        {"code": "JobCancelled"},
        {"code": "task_canceled"},
        {"code": "TASK_CANCELED"},
        {"code": "video-generation-cancelled"},
        {"code": "task_was_cancelled"},
        {"code": "cancelled_by_user"},
        {"code": "JOB_CANCELLED_BY_OWNER"},
        {"code": "TaskCancelledError"},
        {"type": "cancelled", "message": "stopped"},
        {"type": "job_cancelled", "code": None, "message": "stopped"},
        {"status": "CANCELLED", "code": 499, "message": "stopped"},
    ],
)
def test_an_error_that_names_a_cancel_is_a_cancel(error: object) -> None:
    body = {"id": VIDEO, "object": "video", "status": "failed", "error": error}
    assert seen(body).status is Status.CANCELLED


@pytest.mark.parametrize(
    "error",
    [
        {"code": "cancel_failed"},
        {"code": "not_cancelled"},
        {"code": "subscription_cancelled"},
        {"code": "payment_canceled"},
        {"code": "request_canceled"},  # what Go says when the gateway's own request broke off
        {"code": "context_canceled"},
        {"code": "upstream_cancelled"},
        {"code": "task_cancelled_by_timeout"},
        {"code": "cancelled_by_policy"},
        {"code": "task_not_cancelled"},
        {"code": 1, "message": "Operation was cancelled"},
        {"code": "server_error", "message": "Operation was cancelled"},
        {"type": "error", "message": "job_cancelled"},
        {"code": "moderation_blocked", "type": "cancelled"},
        {"status": "cancelling"},
    ],
)
def test_an_error_that_only_sounds_like_a_cancel_is_a_failure(error: object) -> None:
    assert seen({"id": VIDEO, "status": "failed", "error": error}).status is Status.FAILED


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 1, "message": "Operation was cancelled"}, Status.CANCELLED),
        ({"code": "1", "message": "Operation was cancelled"}, Status.CANCELLED),
        ({"code": 499, "status": "CANCELLED"}, Status.CANCELLED),
        ({"code": 10, "status": "ABORTED"}, Status.FAILED),
        ({"code": 3, "message": "Operation was cancelled"}, Status.FAILED),
        ({"code": 13, "status": "INTERNAL"}, Status.FAILED),
    ],
)
def test_an_operation_of_google_says_by_code_that_it_was_cancelled(
    error: object, status: Status
) -> None:
    body = {"name": f"models/veo/operations/{VIDEO}", "done": True, "error": error}
    assert seen(body).status is status


def test_azure_gives_an_error_without_a_code() -> None:
    body = {"id": VIDEO, "status": "failed", "error": {"code": None, "message": "bad prompt"}}
    assert seen(body).error == VideoError("bad prompt", None)


@pytest.mark.parametrize("status", [401, 429, 500])
def test_an_error_envelope_with_an_id_of_its_own_is_no_ending_even_if_ids_are_rewritten(
    status: int,
) -> None:
    answer = ask({"id": "req_1", "status": "failed"}, status, rewrites_ids=True)
    assert not isinstance(answer, Seen)


def test_the_job_inside_counts_and_not_the_success_of_its_envelope() -> None:
    inside = {"id": VIDEO, "status": "processing"}
    for envelope in ({"task_id": VIDEO}, {"id": "req_9"}):
        snapshot = seen({**envelope, "status": "success", "data": inside})
        assert snapshot.status is Status.IN_PROGRESS


@pytest.mark.parametrize(
    "inside",
    [
        {"task_status": "processing", "progress": 10},
        {"state": "processing"},
        {"status": "rendering"},
        {"id": "video_2", "status": "completed"},
    ],
)
def test_an_envelope_whose_request_succeeded_is_no_completed_job(inside: object) -> None:
    answer = ask({"status": "success", "task_id": VIDEO, "data": inside})
    assert not (isinstance(answer, Seen) and answer.snapshot.ended), answer


def test_an_envelope_may_say_whose_job_it_wraps() -> None:
    snapshot = seen({"status": "success", "task_id": VIDEO, "data": {"status": "processing"}})
    assert snapshot.status is Status.IN_PROGRESS


@pytest.mark.parametrize(
    "job", [{"object": "video"}, {"progress": "100%"}, {"status": "succeeded"}, {"data": [{}]}]
)
def test_what_is_clearly_a_job_may_have_data_of_its_own(job: dict[str, object]) -> None:
    assert seen({"id": VIDEO, "status": "success", "data": None, **job}).ended


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_an_error_answer_whose_request_failed_is_no_failed_job(status: int) -> None:
    answer = ask({"status": "error", "task_id": VIDEO, "message": "slow down"}, status)
    assert not isinstance(answer, Seen | NotFound)
    assert seen({"status": "error", "task_id": VIDEO, "object": "video"}, status).ended


def test_a_time_without_a_zone_is_utc() -> None:
    snapshot = seen({"id": VIDEO, "status": "queued", "created_at": "2025-10-16T15:17:43"})
    assert snapshot.created_at == 1760627863


@pytest.mark.parametrize(
    "written", ["2025/10/16 15:17:43", "2025-10-16 15:17:43 UTC", "2025-10-16T23:17:43+08:00"]
)
def test_a_time_is_understood_in_more_ways_than_one(written: str) -> None:
    assert seen({"id": VIDEO, "status": "queued", "created_at": written}).created_at == 1760627863


@pytest.mark.parametrize(
    ("progress", "percent"),
    [(0.45, 45), ("0.45", 45), (0.999, 99), (0.001, 0), (1.0, 1), (0.0, 0)],
)
def test_a_progress_below_one_is_a_part_of_one(progress: object, percent: int) -> None:
    body = {"id": VIDEO, "status": "processing", "progress": progress}
    assert seen(body).progress == percent
    assert seen({**body, "progress": 1.0, "status": "completed"}).progress == 100


@pytest.mark.parametrize("code", [0, "0", "", "success", "OK", 200])
def test_a_code_for_no_error_is_no_error(code: object) -> None:
    error = {"code": code, "message": ""}
    assert seen({"id": VIDEO, "status": "completed", "error": error}).error is None


@pytest.mark.parametrize(
    "fields", [{"errors": [{"message": "r"}]}, {"error": [{"message": "r"}]}, {"errors": ["r"]}]
)
def test_a_reason_may_stand_in_a_list(fields: dict[str, object]) -> None:
    assert seen({"id": VIDEO, "status": "failed", **fields}).error == VideoError("r")


def test_an_integer_id_is_the_same_id() -> None:
    assert seen({"id": 123, "status": "queued"}, video_id="123").id == "123"
