"""The unmodified `openai` SDK against the sandbox, over real loopback HTTP."""

import warnings
from collections.abc import Callable, Iterator
from typing import TypeVar

import openai
import pytest
import trio
from openai import OpenAI

from notifier.http_server import serve
from notifier.sandbox import Sandbox

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _sora_deprecations() -> Iterator[None]:
    # the SDK marks its whole video API as deprecated; that it works here is the point
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The Sora API", category=DeprecationWarning)
        yield


async def use(sandbox: Sandbox, work: Callable[[OpenAI], T], key: str = "sk-sandbox") -> T:
    """Do `work` with the SDK's synchronous client in a thread."""
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve, sandbox.handle)

        def in_thread() -> T:
            with OpenAI(
                api_key=key, base_url=f"http://127.0.0.1:{port}/v1", max_retries=0
            ) as client:
                return work(client)

        try:
            return await trio.to_thread.run_sync(in_thread)
        finally:
            nursery.cancel_scope.cancel()


async def test_create_and_retrieve() -> None:
    def work(client: OpenAI) -> None:
        made = client.videos.create(
            prompt="a cat", model="sora-2-pro", seconds="8", size="1280x720"
        )
        assert (made.model, made.seconds, made.size) == ("sora-2-pro", "8", "1280x720")
        assert (made.object, made.status, made.progress) == ("video", "queued", 0)
        assert client.videos.retrieve(made.id) == made

    await use(Sandbox(api_key="sk-sandbox"), work)


async def test_create_with_a_reference_image() -> None:
    def work(client: OpenAI) -> None:
        image = ("cat.png", b"\x89PNG\r\n--\x00\r\n", "image/png")
        made = client.videos.create(prompt="it must fail, süß", input_reference=image)
        assert made.status == "queued"

    sandbox = Sandbox()
    await use(sandbox, work)
    (job,) = sandbox.jobs.values()
    assert (job.prompt, job.ending) == ("it must fail, süß", "failed")


@pytest.mark.parametrize(
    ("prompt", "status", "code"),
    [("a cat [0.2s]", "completed", None), ("fail [0.2s]", "failed", "content_policy_violation")],
)
async def test_create_and_poll(prompt: str, status: str, code: str | None) -> None:
    def work(client: OpenAI) -> None:
        video = client.videos.create_and_poll(prompt=prompt, poll_interval_ms=20)
        assert video.status == status
        assert (video.error and video.error.code) == code

    await use(Sandbox(), work)


async def test_the_sdks_poller_obeys_the_hint_of_the_unsloth_profile() -> None:
    def work(client: OpenAI) -> None:
        assert client.videos.create_and_poll(prompt="a cat [20s]").status == "completed"

    sandbox = Sandbox(profile="unsloth", speed=100)
    await use(sandbox, work)
    assert 3 <= len(sandbox.requests) <= 8


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_list_pages_by_itself(order: str) -> None:
    sandbox = Sandbox()
    made = [sandbox.create().id for _ in range(7)]

    def work(client: OpenAI) -> list[str]:
        return [
            video.id
            for video in client.videos.list(limit=3, order="asc" if order == "asc" else "desc")
        ]

    listed = await use(sandbox, work)
    assert listed == (made if order == "asc" else made[::-1])


async def test_delete() -> None:
    def work(client: OpenAI) -> None:
        made = client.videos.create(prompt="a cat")
        gone = client.videos.delete(made.id)
        assert (gone.id, gone.deleted, gone.object) == (made.id, True, "video.deleted")
        with pytest.raises(openai.NotFoundError) as caught:
            client.videos.retrieve(made.id)
        assert caught.value.code == "video_not_found"

    await use(Sandbox(), work)


async def test_download_content() -> None:
    def work(client: OpenAI) -> None:
        made = client.videos.create(prompt="a cat [0.2s]")
        with pytest.raises(openai.ConflictError) as caught:
            client.videos.download_content(made.id)
        assert caught.value.code == "video_not_ready"
        client.videos.poll(made.id, poll_interval_ms=20)
        content = client.videos.download_content(made.id)
        assert content.response.headers["content-type"] == "video/mp4"
        assert b"ftyp" in content.read()

    await use(Sandbox(), work)


async def test_a_wrong_key_is_the_sdks_authentication_error() -> None:
    def work(client: OpenAI) -> None:
        with pytest.raises(openai.AuthenticationError):
            client.videos.create(prompt="a cat")

    await use(Sandbox(api_key="sk-right"), work, key="sk-wrong")
