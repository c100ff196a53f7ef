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
    for age in (0, 50, 100):
        gateway.clock.at = BORN + age
        answers.append(await gateway.get(f"/{job.id}"))
    return answers


@pytest.mark.parametrize("profile", PROFILES)
async def test_every_profile_creates_retrieves_and_lists(
    nursery: trio.Nursery, profile: str
) -> None:
    gateway = await open_gateway(nursery, profile=profile)
    created = (await gateway.post(prompt="a cat [10s]")).json()
    body = created.get("data", created)
    shown = body.get("id") or body["task_id"]
    gateway.clock.at += 10
    answer = await gateway.get(f"/{shown}")
    assert answer.status_code == 200
    assert (await gateway.get(f"/{shown}/content")).status_code == 200
    assert len((await gateway.get("")).json()["data"]) == 1


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
}


def test_every_profile_has_its_words_below() -> None:
    assert set(STATUSES) == set(PROFILES)


@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "replicated"])
async def test_each_profile_uses_its_own_words(nursery: trio.Nursery, profile: str) -> None:
    running, failed, cancelled = STATUSES[profile]
    for ending, last in (("completed", running[2]), ("failed", failed), ("cancelled", cancelled)):
        gateway = await open_gateway(nursery, profile=profile)
        bodies = [answer.json() for answer in await life(gateway, ending)]
        words = [body.get("data", body)["status"] for body in bodies]
        assert words == [*running[:2], last]


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
    assert body["created_at"] == 0
    assert "progress" not in body
    page = (await gateway.get(f"?after={asked}")).json()
    assert page["data"] == []


async def test_litellm_lists_name_the_ids_that_they_show(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery, profile="litellm")
    for _ in range(3):
        gateway.sandbox.create()
    page = (await gateway.get("?limit=2")).json()
    assert page["first_id"] == page["data"][0]["id"]
    assert page["last_id"] == page["data"][-1]["id"]
    rest = (await gateway.get(f"?after={page['last_id']}")).json()
    assert (len(rest["data"]), rest["has_more"]) == (1, False)


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
