import gzip

import httpx
import pytest
import trio

from notifier.sandbox import FAULT_KINDS, Fault
from tests.sandbox.gateways import open_gateway


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("429", Fault("429", 0.3)),
        ("hang:1", Fault("hang", 1)),
        ("flaky-404:0.05", Fault("flaky-404", 0.05)),
        ("drip:0", Fault("drip", 0)),
    ],
)
def test_a_fault_is_a_kind_and_a_probability(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no fault is called ''"),
        ("418", "no fault is called '418': use 429, 500"),
        ("418:0.5", "no fault is called '418'"),
        ("slow:", "number from 0 to 1"),
        ("slow:often", "number from 0 to 1"),
        ("slow:1.1", "number from 0 to 1"),
        ("slow:-1", "number from 0 to 1"),
        ("slow:nan", "number from 0 to 1"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Fault.parse(text)


async def scripted(nursery: trio.Nursery, kind: str, speed: float = 1000) -> httpx.Response:
    """Return the answer that `kind` has spoiled, having seen the next one unspoiled."""
    gateway = await open_gateway(nursery, speed=speed)
    gateway.sandbox.create(video_id="v1", ending="stuck")
    gateway.sandbox.script("v1", [kind, None])
    answer = await gateway.get("/v1")
    assert (await gateway.get("/v1")).json()["id"] == "v1"
    return answer


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("429", 429, "rate_limit_exceeded"),
        ("500", 500, "server_error"),
        ("401", 401, "invalid_api_key"),
        ("flaky-404", 404, "video_not_found"),
        ("html", 200, "<!doctype html>"),
        ("slow", 200, '"id": "v1"'),
    ],
)
async def test_a_fault_that_answers(
    nursery: trio.Nursery, kind: str, status: int, said: str
) -> None:
    answer = await scripted(nursery, kind)
    assert answer.status_code == status
    assert said in answer.text


@pytest.mark.parametrize(("speed", "wait"), [(1, "10"), (5, "2"), (1000, "1")])
async def test_a_429_says_when_to_come_back(
    nursery: trio.Nursery, speed: float, wait: str
) -> None:
    assert (await scripted(nursery, "429", speed)).headers["retry-after"] == wait


async def test_broken_json_is_cut_short_but_framed_well(nursery: trio.Nursery) -> None:
    answer = await scripted(nursery, "broken-json")
    assert answer.headers["content-type"] == "application/json"
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()


async def test_gzip_comes_unasked(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery)
    gateway.sandbox.create(video_id="v1")
    gateway.sandbox.script("v1", ["gzip"])
    url = f"http://127.0.0.1:{gateway.port}/v1/videos/v1"
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("GET", url, headers={"accept-encoding": "identity"}) as answer,
    ):
        body = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert b'"v1"' in gzip.decompress(body)


async def test_a_reset_is_seen_as_one(nursery: trio.Nursery) -> None:
    with pytest.raises(httpx.ReadError):
        await scripted(nursery, "reset")


@pytest.mark.parametrize(
    ("kind", "received_bytes"), [("hang", 0), ("drip", 1), ("endless", 100_000)]
)
async def test_a_client_has_to_leave_an_answer_that_never_ends(
    nursery: trio.Nursery, kind: str, received_bytes: int
) -> None:
    gateway = await open_gateway(nursery)
    gateway.sandbox.create(video_id="v1")
    gateway.sandbox.script("v1", [kind])
    stream = await trio.open_tcp_stream("127.0.0.1", gateway.port)
    async with stream:
        await stream.send_all(b"GET /v1/videos/v1 HTTP/1.1\r\nhost: x\r\n\r\n")
        received = 0
        with trio.move_on_after(0.05 if received_bytes == 0 else 120) as timeout:
            while received <= received_bytes:
                data = await stream.receive_some()
                assert data
                received += len(data)
        assert timeout.cancelled_caught is (received_bytes == 0)
    assert (await gateway.get("/v1")).json()["id"] == "v1"


async def test_a_fault_by_chance_hits_about_its_share_of_status_requests(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, faults=(Fault("500", 0.5),))
    created = [(await gateway.post(prompt="a cat")).status_code for _ in range(3)]
    assert created == [200] * 3
    one = next(iter(gateway.sandbox.jobs))
    asked = [(await gateway.get(f"/{one}")).status_code for _ in range(40)]
    assert 8 < asked.count(500) < 32
    assert set(asked) == {200, 500}


async def test_lists_are_spoiled_too_but_not_content_or_delete(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery, faults=(Fault("500", 1),))
    gateway.sandbox.create(video_id="v1", duration=1)
    gateway.clock.at += 1
    assert (await gateway.get("")).status_code == 500
    assert (await gateway.get("/v1/content")).status_code == 200
    assert (await gateway.delete("/v1")).status_code == 200


async def test_a_flaky_404_is_always_followed_by_the_video(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery, faults=(Fault("flaky-404", 1),))
    gateway.sandbox.create(video_id="v1")
    statuses = [(await gateway.get("/v1")).status_code for _ in range(4)]
    assert statuses == [404, 200, 404, 200]


async def test_a_script_wins_over_chance_and_is_used_up_one_by_one(
    nursery: trio.Nursery,
) -> None:
    gateway = await open_gateway(nursery, faults=(Fault("500", 1),))
    gateway.sandbox.create(video_id="v1")
    gateway.sandbox.script("v1", [None, "401"])
    gateway.sandbox.script("v1", ["429"])
    statuses = [(await gateway.get("/v1")).status_code for _ in range(4)]
    assert statuses == [200, 401, 429, 500]


async def test_a_script_with_an_unknown_kind_is_refused(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery)
    with pytest.raises(ValueError, match=FAULT_KINDS[-1]):
        gateway.sandbox.script("v1", ["teapot"])


async def listed(nursery: trio.Nursery, kind: str, query: str) -> httpx.Response:
    """Return a list of thirty that `kind` has spoiled; single videos and the next list are not."""
    gateway = await open_gateway(nursery)
    for number in range(30):
        gateway.sandbox.create(video_id=f"v{number}", ending="stuck")
    gateway.sandbox.script("", [kind, None])
    answer = await gateway.get(query)
    assert (await gateway.get("/v7")).json()["model"] == "sora-2"
    assert (await gateway.get("?limit=100")).json()["data"][0]["model"] == "sora-2"
    return answer


async def test_a_list_may_ignore_its_cursor(nursery: trio.Nursery) -> None:
    answer = (await listed(nursery, "list-ignores-after", "?limit=2&after=v20")).json()
    assert [item["id"] for item in answer["data"]] == ["v29", "v28"]


@pytest.mark.parametrize(("limit", "status"), [("21", 400), ("20", 200), ("none", 400)])
async def test_a_list_may_be_capped(nursery: trio.Nursery, limit: str, status: int) -> None:
    answer = await listed(nursery, "list-caps-limit", f"?limit={limit}")
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"]["param"] == "limit"


@pytest.mark.parametrize("after", ["v20", "nobody"])
async def test_a_list_may_leave_fields_out(nursery: trio.Nursery, after: str) -> None:
    answer = (await listed(nursery, "list-without-fields", f"?limit=1&after={after}")).json()
    if after == "nobody":
        assert answer["error"]["param"] == "after"
    else:
        assert answer["data"] == [{"id": "v19", "object": "video", "status": "queued"}]


async def test_there_may_be_no_list(nursery: trio.Nursery) -> None:
    assert (await listed(nursery, "list-missing", "?limit=2")).status_code == 404


async def test_a_fault_of_lists_hits_no_single_video(nursery: trio.Nursery) -> None:
    gateway = await open_gateway(nursery, faults=(Fault("list-missing", 1),))
    gateway.sandbox.create(video_id="v1")
    assert (await gateway.get("")).status_code == 404
    gateway.sandbox.script("v1", ["list-missing"])
    assert [(await gateway.get("/v1")).status_code for _ in range(3)] == [200] * 3
