import base64
import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import trio

from notifier.sandbox import PROFILES
from tests.sandbox.gateways import BORN, Gateway, open_gateway

MS = int(BORN) * 1000


async def life(gateway: Gateway, ending: str) -> list[httpx.Response]:
    """Return the answers about one job while queued, half way and at its end."""
    job = gateway.sandbox.create(video_id="v1", duration=100, ending=ending)
    answers = []
    for age in (0, 50, 50):
        gateway.clock.at += age
        answers.append(await gateway.get(f"/{job.id}"))
    return answers


@pytest.mark.parametrize("profile", PROFILES)
async def test_every_profile_creates_retrieves_and_lists(
    nursery: trio.Nursery, profile: str
) -> None:
    gateway = await open_gateway(nursery, profile=profile)
    gateway.headers = {"custom-llm-provider": "openai"}
    created = (await gateway.post(prompt="a cat [10s]")).json()
    body = created.get("data", created)
    shown = body.get("id") or body.get("task_id") or body["request_id"]
    gateway.clock.at += 10
    answer = await gateway.get(f"/{shown}")
    assert answer.status_code == 200
    assert (await gateway.get(f"/{shown}/content")).status_code == 200
    listed = await gateway.get("")
    if PROFILES[profile].lists:
        assert len(listed.json()["data"]) == 1
    else:
        assert listed.status_code == 404


@pytest.mark.parametrize("profile", PROFILES)
async def test_every_profile_survives_every_ending(nursery: trio.Nursery, profile: str) -> None:
    for ending in ("completed", "failed", "cancelled", "expired", "lost", "stuck"):
        gateway = await open_gateway(nursery, profile=profile)
        for answer in await life(gateway, ending):
            assert isinstance(answer.json(), dict)


STATUSES: Mapping[str, tuple[list[str], str, str]] = {
    "openai": (["queued", "in_progress", "completed"], "failed", "cancelled"),
    "new-api": (["unknown", "in_progress", "completed"], "failed", "cancelled"),
    "new-api-legacy": (["SUBMITTED", "IN_PROGRESS", "SUCCESS"], "FAILURE", "CANCELLED"),
    "litellm": (["processing", "processing", "completed"], "failed", "cancelled"),
    "vllm-omni": (["queued", "in_progress", "completed"], "failed", "cancelled"),
    "openrouter": (["pending", "in_progress", "completed"], "failed", "cancelled"),
    "unsloth": (["queued", "in_progress", "completed"], "failed", "failed"),
    "azure": (["queued", "in_progress", "succeeded"], "failed", "cancelled"),
    "inworld": (["queued", "in_progress", "completed"], "failed", "cancelled"),
    "replicated": (["queued", "in_progress", "completed"], "failed", "cancelled"),
    "litellm-vllm-omni": (["queued", "in_progress", "completed"], "failed", "cancelled"),
    "sglang": (["queued", "in_progress", "completed"], "failed", "cancelled"),
    "xai": (["", "pending", "done"], "failed", "failed"),
    "kling": (["submitted", "processing", "succeed"], "failed", "failed"),
    "stale-list": (["queued", "in_progress", "completed"], "failed", "cancelled"),
    "mixed-keys": (["queued", "in_progress", "completed"], "failed", "cancelled"),
}


def test_every_profile_has_its_words_below() -> None:
    assert set(STATUSES) == set(PROFILES)


def word(answer: httpx.Response) -> str:
    """Return the status word of an answer, "" where there is none."""
    body = answer.json()
    job = body.get("data", body)
    return str(job.get("status") or job.get("task_status") or "")


@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "replicated"])
async def test_each_profile_uses_its_own_words(nursery: trio.Nursery, profile: str) -> None:
    running, failed, cancelled = STATUSES[profile]
    for ending, last in (("completed", running[2]), ("failed", failed), ("cancelled", cancelled)):
        gateway = await open_gateway(nursery, profile=profile)
        answers = await life(gateway, ending)
        if ending == "failed" and PROFILES[profile].failed is not None:
            answers.pop()
        expected = [*running[:2], last][: len(answers)]
        assert [word(answer) for answer in answers] == expected


async def test_new_api_sets_completed_at_while_running_and_counts_milliseconds(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="new-api")
    fresh, running, done = [answer.json() for answer in await life(gateway, "completed")]
    assert (fresh["completed_at"], fresh["created_at"]) == (None, MS)
    assert (running["completed_at"], running["status"]) == (MS + 50_000, "in_progress")
    assert done["completed_at"] == MS + 100_000
    assert done["metadata"]["url"].endswith("/v1/videos/v1/content")
    assert done["task_id"] == done["id"] == "v1"


async def test_new_api_puts_the_reason_of_a_failure_where_the_result_would_be(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="new-api")
    failed = (await life(gateway, "failed"))[-1].json()
    assert failed["metadata"]["url"] == failed["error"]["message"]


@pytest.mark.parametrize("profile", ["new-api", "new-api-legacy"])
async def test_new_api_says_400_task_not_exist(nursery: trio.Nursery, profile: str) -> None:
    gateway = await open_gateway(nursery, profile=profile)
    missing = await gateway.get("/nobody")
    assert missing.status_code == 400
    assert missing.json() == {
        "code": "task_not_exist", "message": "task_not_exist", "data": None,
    }  # fmt: skip


async def test_old_new_api_wraps_the_task_and_writes_progress_as_a_text(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="new-api-legacy")
    running = (await life(gateway, "completed"))[1].json()
    assert running["code"] == "success"
    assert running["data"]["task_id"] == "v1"
    assert running["data"]["progress"] == "44%"


async def test_litellm_answers_with_another_id_each_time_and_knows_them_all(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="litellm")
    job = gateway.sandbox.create(video_id="v1", duration=100)
    asked = job.id
    for _ in range(3):
        body = (await gateway.get(f"/{asked}")).json()
        assert body["id"] not in {asked, job.id}
        asked = body["id"]
    text = base64.b64decode(asked.removeprefix("video_")).decode()
    assert re.fullmatch(
        r"litellm:custom_llm_provider:openai;model_id:sora-2;video_id:v1;deployment_id:[0-9a-f]{64}",
        text,
    )
    assert body["created_at"] == 0
    assert "progress" not in body


async def test_litellm_lists_want_a_header_and_ignore_limit_and_after(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="litellm")
    for _ in range(3):
        gateway.sandbox.create()
    refused = await gateway.get("?limit=2")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "400")
    assert "LLM Provider NOT provided" in refused.json()["error"]["message"]
    gateway.headers = {"custom-llm-provider": "openai"}
    page = (await gateway.get("?limit=2&after=nothing")).json()
    assert (len(page["data"]), page["has_more"]) == (3, False)
    assert page["first_id"] == page["data"][0]["id"]
    assert page["last_id"] == page["data"][-1]["id"]


async def test_litellm_quotes_its_upstreams_answer_about_a_missing_video(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="litellm")
    missing = await gateway.get("/v1")
    error = missing.json()["error"]
    assert (missing.status_code, error["code"]) == (404, "404")
    quoted = error["message"].partition(" - ")[2].partition("\n\nLiteLLM: model group")[0]
    assert error["message"].startswith("litellm.BadRequestError: OpenAIException - ")
    assert json.loads(quoted)["error"]["message"] == "Video with id 'v1' not found."
    assert json.loads(quoted)["error"]["code"] == "video_not_found"


async def test_litellm_before_vllm_omni_quotes_a_failed_job_within_a_500(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="litellm-vllm-omni")
    failed = (await life(gateway, "failed"))[-1]
    message = failed.json()["error"]["message"]
    quoted = message.partition(" - ")[2].partition("\n\nLiteLLM: ")[0]
    assert failed.status_code == 500
    assert "Hosted_vllmException" in message
    assert (json.loads(quoted)["id"], json.loads(quoted)["status"]) == ("v1", "failed")
    assert json.loads(quoted)["error"]["code"] == 500


async def test_vllm_omni_reports_a_failed_job_with_a_failing_status(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="vllm-omni")
    assert gateway.sandbox.create().id.startswith("video_gen_")
    failed = (await life(gateway, "failed"))[-1]
    assert failed.status_code == 500
    assert (failed.json()["id"], failed.json()["status"]) == ("v1", "failed")
    assert failed.json()["error"]["code"] == 500


async def test_vllm_omni_tells_how_long_it_took(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery, profile="vllm-omni")
    assert (await life(gateway, "completed"))[-1].json()["inference_time_s"] == 100


async def test_sglang_lists_without_has_more_and_shows_paths_of_its_disk(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="sglang")
    done = (await life(gateway, "completed"))[-1].json()
    assert done["file_paths"] == [done["file_path"]]
    assert done["file_path"].startswith("/")
    assert set((await gateway.get("")).json()) == {"object", "data"}
    assert (await gateway.get("/v2")).json() == {"detail": "Video not found"}


async def test_xai_names_no_id_once_a_job_runs_and_refuses_a_moderated_one(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="xai")
    queued, running, done = [answer.json() for answer in await life(gateway, "completed")]
    assert queued == {"request_id": "v1"}
    assert running == {"status": "pending", "model": "sora-2", "progress": 44}
    assert (done["status"], done["video"]["duration"]) == ("done", 4)
    assert "id" not in done
    moderated = (await life(gateway, "failed"))[-1]
    assert (moderated.status_code, moderated.json()["code"]) == (400, "imagine:content-moderated")
    assert (await life(gateway, "expired"))[-1].json() == {"status": "expired"}
    assert (await gateway.get("/v2")).json() == {"error": {"message": "Video request not found"}}


async def test_kling_wraps_a_task_and_gives_the_reason_in_a_field_of_its_own(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="kling")
    done = (await life(gateway, "completed"))[-1].json()
    assert (done["code"], done["data"]["task_id"]) == (0, "v1")
    assert done["data"]["task_result"]["videos"][0]["id"] != "v1"
    failed = (await life(gateway, "failed"))[-1].json()
    assert "Content policy violation" in failed["data"]["task_status_msg"]


async def test_a_stale_list_shows_a_job_as_it_was_when_it_was_last_retrieved(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="stale-list")

    async def listed() -> str:
        return str((await gateway.get("")).json()["data"][0]["status"])

    gateway.sandbox.create(video_id="v1", duration=100)
    gateway.clock.at += 100
    assert await listed() == "queued"
    assert word(await gateway.get("/v1")) == "completed"
    assert await listed() == "completed"


async def test_with_mixed_keys_the_jobs_of_one_model_are_refused_and_no_others(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="mixed-keys")
    created = await gateway.post(prompt="a cat", model="sora-2-pro")
    gateway.sandbox.create(video_id="v1")
    refused = await gateway.get(f"/{created.json()['id']}")
    error = refused.json()["error"]
    assert (refused.status_code, error["type"], error["code"]) == (
        401,
        "authentication_error",
        "401",
    )
    assert "Incorrect API key provided" in error["message"]
    assert (await gateway.get("/v1")).status_code == 200
    assert len((await gateway.get("")).json()["data"]) == 2


async def test_openrouter_is_brief(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery, profile="openrouter")
    url = f"http://127.0.0.1:{gateway.port}/v1/videos/v1"
    pending, _, done = [answer.json() for answer in await life(gateway, "completed")]
    assert pending == {"id": "v1", "polling_url": url, "status": "pending"}
    assert done == {
        "id": "v1",
        "polling_url": url,
        "status": "completed",
        "unsigned_urls": [f"{url}/content?index=0"],
    }


@pytest.mark.parametrize(("ending", "word"), [("failed", "failed"), ("expired", "expired")])
async def test_openrouter_errors_are_texts(nursery: trio.Nursery, ending: str, word: str) -> None:
    gateway = await open_gateway(nursery, profile="openrouter")
    last = (await life(gateway, ending))[-1].json()
    assert last["status"] == word
    assert isinstance(last["error"], str)


async def test_unsloth_says_when_to_poll_and_calls_a_cancelled_job_failed(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="unsloth", speed=1)
    answers = await life(gateway, "cancelled")
    hints = [answer.headers.get("openai-poll-after-ms") for answer in answers]
    assert hints == ["5000", "5000", None]
    assert answers[-1].json()["error"]["code"] == "cancelled"


async def test_azure_errors_have_no_code(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery, profile="azure")
    error: dict[str, Any] = (await life(gateway, "failed"))[-1].json()["error"]
    assert error["code"] is None
    assert error["message"]


async def test_inworld_asks_to_be_polled_every_ten_seconds(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery, profile="inworld")
    hints = [answer.headers.get("retry-after") for answer in await life(gateway, "completed")]
    assert hints == ["10", "10", None]


async def test_every_third_poll_reaches_a_replica_that_knows_nothing(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="replicated")
    gateway.sandbox.create(video_id="v1")
    statuses = [(await gateway.get("/v1")).status_code for _ in range(6)]
    assert statuses == [200, 200, 404, 200, 200, 404]


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_lost_job_reads_like_one_that_never_was(
    nursery: trio.Nursery, profile: str
) -> None:
    gateway = await open_gateway(nursery, profile=profile)
    gateway.sandbox.create(video_id="v1", duration=10, ending="lost")
    gateway.clock.at += 5
    lost, never = await gateway.get("/v1"), await gateway.get("/v2")
    assert lost.status_code == never.status_code >= 400
    assert lost.text.replace("v1", "v2") == never.text
