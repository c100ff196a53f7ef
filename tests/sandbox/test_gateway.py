import json
import re
from random import Random
from urllib.parse import quote

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.sandbox import Ending, Job, Sandbox
from notifier.sandbox.forms import FormError, read_form
from notifier.sandbox.paging import PageError, read_paging
from tests.http_server.client import ask
from tests.sandbox.gateways import BORN, ManualClock, open_gateway


async def test_the_answers_are_the_reference_pages(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery)
    job = gateway.sandbox.create(seconds="8", size="1280x720", duration=786)
    common = {
        "id": job.id,
        "object": "video",
        "model": "sora-2",
        "created_at": 1760627077,
        "completed_at": None,
        "expires_at": None,
        "seconds": "8",
        "size": "1280x720",
        "remixed_from_video_id": None,
        "error": None,
    }
    assert re.fullmatch("video_[0-9a-f]{32}", job.id)
    assert (await gateway.get(f"/{job.id}")).json() == {
        **common, "status": "queued", "progress": 0,
    }  # fmt: skip
    gateway.clock.at += 400
    assert (await gateway.get(f"/{job.id}")).json() == {
        **common, "status": "in_progress", "progress": 45,
    }  # fmt: skip
    gateway.clock.at += 386
    assert (await gateway.get(f"/{job.id}")).json() == {
        **common, "status": "completed", "progress": 100, "completed_at": 1760627863,
        "expires_at": 1760627863 + 86400,
    }  # fmt: skip


async def test_a_failed_job_and_a_missing_one_read_as_on_the_reference_page(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery)
    job = gateway.sandbox.create(prompt="this must fail [10s]")
    gateway.clock.at += 10
    failed = (await gateway.get(f"/{job.id}")).json()
    assert (failed["status"], failed["progress"]) == ("failed", 0)
    assert failed["error"] == {
        "message": "Content policy violation: inappropriate content detected",
        "code": "content_policy_violation",
    }
    missing = await gateway.get("/video_nowhere")
    assert missing.status_code == 404
    assert missing.json()["error"]["message"] == "Video not found"
    assert missing.json()["error"]["code"] == "video_not_found"


async def test_speed_divides_durations_but_not_the_lifetime_of_results(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, speed=10)
    job = gateway.sandbox.create(duration=100)
    gateway.clock.at += 10
    seen = (await gateway.get(f"/{job.id}")).json()
    assert (seen["status"], seen["completed_at"]) == ("completed", BORN + 10)
    assert seen["expires_at"] == BORN + 10 + 86400


def test_a_job_without_a_duration_takes_one_to_three_minutes() -> None:
    sandbox = Sandbox(rng=Random(1))
    durations = [sandbox.create().duration for _ in range(50)]
    assert 60 <= min(durations) < max(durations) <= 180


def test_the_more_specific_duration_wins() -> None:
    sandbox = Sandbox(duration=30)
    assert sandbox.create().duration == 30
    assert sandbox.create(prompt="[12s]").duration == 12
    assert sandbox.create(prompt="[12s]", duration=7).duration == 7


def test_an_ending_given_to_create_wins_over_the_prompt() -> None:
    assert Sandbox().create(prompt="fail", ending="completed").ending is Ending.COMPLETED
    with pytest.raises(ValueError, match="exploded"):
        Sandbox().create(ending="exploded")


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_an_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Sandbox(speed=speed)


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="litellm"):
        Sandbox(profile="sora")


async def test_new_jobs_and_every_request_are_reported_to_the_embedding_code(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery)
    created_jobs: list[Job] = []
    gateway.sandbox.on_created = created_jobs.append
    created = (await gateway.post(prompt="a cat")).json()
    await gateway.get(f"/{created['id']}")
    assert [job.id for job in created_jobs] == list(gateway.sandbox.jobs) == [created["id"]]
    assert [(asked.method, asked.path, asked.at) for asked in gateway.sandbox.requests] == [
        ("POST", "/v1/videos", BORN),
        ("GET", f"/v1/videos/{created['id']}", BORN),
    ]


async def test_the_oldest_jobs_are_forgotten_beyond_ten_thousand() -> None:
    sandbox = Sandbox(now=ManualClock())
    first = sandbox.create()
    for _ in range(10_000):
        sandbox.create()
    assert len(sandbox.jobs) == 10_000
    assert first.id not in sandbox.jobs


@pytest.mark.parametrize("video_id", ["a/b", "v 1", "é", "%2F", "?", "a" * 512])
async def test_any_id_can_be_asked_for(nursery: trio.Nursery, video_id: str) -> None:
    gateway = await open_gateway(nursery)
    gateway.sandbox.create(video_id=video_id)
    assert (await gateway.get(f"/{quote(video_id, safe='')}")).json()["id"] == video_id


async def test_a_wrong_or_missing_key_is_401_in_openais_shape(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery, api_key="sk-right")
    for headers in ({}, {"authorization": "Bearer sk-wrong"}, {"authorization": "Basic sk-right"}):
        gateway.headers = dict(headers)
        answer = await gateway.get("")
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"
    for headers in ({"authorization": "bearer sk-right"}, {"api-key": "sk-right"}):
        gateway.headers = dict(headers)
        assert (await gateway.get("")).status_code == 200


async def test_content_can_be_had_once_the_job_has_completed(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery)
    job = gateway.sandbox.create(duration=10)
    early = await gateway.get(f"/{job.id}/content")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "video_not_ready")
    gateway.clock.at += 10
    ready = await gateway.get(f"/{job.id}/content")
    assert (ready.status_code, ready.headers["content-type"]) == (200, "video/mp4")
    assert ready.content[4:8] == b"ftyp"
    assert (await gateway.get("/nobody/content")).status_code == 404


@pytest.mark.parametrize("path", ["edits", "extensions", "v1/remix"])
async def test_what_is_made_from_a_video_needs_a_completed_one(
    nursery: trio.Nursery, path: str
) -> None:
    gateway = await open_gateway(nursery)
    gateway.sandbox.create(video_id="v1", duration=10)

    async def asked(video_id: str) -> tuple[int, str]:
        fields = {"prompt": "more", "seconds": "4", "video": {"id": video_id}}
        where = path.replace("v1", video_id)
        answer = await ask(gateway.port, "POST", f"/v1/videos/{where}", json=fields)
        return answer.status_code, str((answer.json().get("error") or {}).get("code"))

    assert await asked("v1") == (409, "video_not_ready")
    assert await asked("v2") == (404, "video_not_found")
    gateway.clock.at += 10
    assert await asked("v1") == (200, "None")


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        ("edits", {"prompt": "a cat"}, "video"),
        ("edits", {"video": {"id": "v1"}}, "prompt"),
        ("extensions", {"prompt": "a cat", "video": {"id": "v1"}}, "seconds"),
        ("extensions", {"prompt": "a cat", "seconds": "121", "video": {"id": "v1"}}, "seconds"),
        ("extensions", {"prompt": "a cat", "seconds": "-4", "video": {"id": "v1"}}, "seconds"),
        ("v1/remix", {}, "prompt"),
        ("characters", {}, "name"),
        ("characters", {"name": "Mimi"}, "video"),
    ],
)
async def test_a_request_without_a_parameter_is_400_and_names_it(
    nursery: trio.Nursery, path: str, fields: dict[str, object], param: str
) -> None:
    gateway = await open_gateway(nursery)
    gateway.sandbox.create(video_id="v1", duration=0)
    gateway.clock.at += 1
    answer = await ask(gateway.port, "POST", f"/v1/videos/{path}", json=fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_an_unknown_variant_of_the_content_is_400(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery)
    gateway.sandbox.create(video_id="v1", duration=0)
    answer = await gateway.get("/v1/content?variant=poster")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "variant")


async def test_a_deleted_job_is_gone(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery)
    job = gateway.sandbox.create()
    answer = await gateway.delete(f"/{job.id}")
    assert answer.json() == {"id": job.id, "object": "video.deleted", "deleted": True}
    assert (await gateway.get(f"/{job.id}")).status_code == 404
    assert (await gateway.delete(f"/{job.id}")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/videos/x"), ("PUT", "/v1/videos"), ("GET", "/v1")]
)
async def test_an_unknown_path_is_an_openai_404(
    nursery: trio.Nursery, method: str, path: str
) -> None:
    gateway = await open_gateway(nursery)
    answer = await ask(gateway.port, method, path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == f"Invalid URL ({method} {path})"


async def test_a_create_without_a_prompt_names_the_parameter(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery)
    answer = await gateway.post(model="sora-2")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "prompt"


async def test_lists_page_through_all_living_jobs_in_both_orders(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery)
    for number in range(5):
        gateway.sandbox.create(video_id=f"v{number}", ending="completed")
    gateway.sandbox.create(video_id="lost", duration=10, ending="lost")
    gateway.clock.at += 10
    first = (await gateway.get("?limit=2")).json()
    assert first["object"] == "list"
    assert [video["id"] for video in first["data"]] == ["v4", "v3"]
    assert (first["first_id"], first["last_id"], first["has_more"]) == ("v4", "v3", True)
    second = (await gateway.get("?limit=3&after=v3")).json()
    assert [video["id"] for video in second["data"]] == ["v2", "v1", "v0"]
    assert second["has_more"] is False
    upwards = (await gateway.get("?order=asc&limit=2&after=v1")).json()
    assert [video["id"] for video in upwards["data"]] == ["v2", "v3"]
    empty = (await gateway.get("?after=v0")).json()
    assert (empty["data"], empty["first_id"], empty["has_more"]) == ([], None, False)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=ten", "limit"),
        ("limit=%D9%A1", "limit"), ("order=up", "order"), ("after=nobody", "after"),
    ],
)  # fmt: skip
async def test_an_invalid_list_request_is_400(
    nursery: trio.Nursery, query: str, param: str
) -> None:
    gateway = await open_gateway(nursery)
    answer = await gateway.get(f"?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@given(st.dictionaries(st.sampled_from(["after", "limit", "order"]), st.text()))
def test_any_query_is_read_or_refused(query: dict[str, str]) -> None:
    try:
        assert 1 <= read_paging(query).limit <= 100
    except PageError:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
MULTIPART = "multipart/form-data; boundary=b"


@given(st.sampled_from([MULTIPART, "application/json", ""]) | st.text(), st.binary())
def test_any_bytes_are_read_as_a_form_or_refused(content_type: str, body: bytes) -> None:
    try:
        assert all(isinstance(text, str) for text in read_form(content_type, body).fields.values())
    except FormError:
        return


@given(st.binary(), st.binary())
def test_any_multipart_headers_and_bytes_are_read_or_refused(head: bytes, text: bytes) -> None:
    body = (
        b"--b\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + text + b"\r\n--b--\r\n"
    )
    try:
        read_form(MULTIPART, body)
    except FormError:
        return


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"[" * 100_000, b'{"prompt": ' + b"9" * 5000 + b"}", b"{\xff}", b"null"],
    ids=["empty", "list", "deep", "huge number", "bad UTF-8", "null"],
)
async def test_a_broken_create_is_400(nursery: trio.Nursery, body: bytes) -> None:
    gateway = await open_gateway(nursery)
    answer = await ask(gateway.port, "POST", "/v1/videos", content=body)
    assert answer.status_code == 400


@given(st.dictionaries(st.sampled_from(["prompt", "model", "seconds", "size"]), JSON))
@settings(max_examples=50)
def test_any_json_create_is_answered_well(fields: dict[str, object]) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            gateway = await open_gateway(nursery)
            body = json.dumps(fields).encode()
            answer = await ask(gateway.port, "POST", "/v1/videos", content=body)
            assert answer.status_code in {200, 400}
            nursery.cancel_scope.cancel()

    trio.run(main)


async def test_texts_that_utf8_cannot_hold_are_taken_and_given_back(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, profile="litellm")
    body = b'{"prompt": "a cat", "model": "\\ud800"}'
    answer = await ask(gateway.port, "POST", "/v1/videos", content=body)
    assert answer.json()["model"] == "\ud800"
