"""The unmodified `openai` SDK for Python against the sandbox, over real loopback HTTP."""

import warnings
from collections.abc import Callable, Iterator
from typing import Literal, TypeVar

import openai
import pytest
import trio
from openai import OpenAI
from openai.resources.videos import Videos
from openai.types import Video

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


@pytest.mark.parametrize(
    ("variant", "content_type", "magic"),
    [
        ("video", "video/mp4", b"\x00\x00\x00\x1cftyp"),
        ("thumbnail", "image/webp", b"RIFF\x1a\x00\x00\x00WEBP"),
        ("spritesheet", "image/jpeg", b"\xff\xd8\xff"),
    ],
)
async def test_every_variant_of_the_content_has_its_own_type(
    variant: Literal["video", "thumbnail", "spritesheet"], content_type: str, magic: bytes
) -> None:
    sandbox = Sandbox()
    job = sandbox.create(duration=0)

    def work(client: OpenAI) -> None:
        content = client.videos.download_content(job.id, variant=variant)
        assert content.response.headers["content-type"] == content_type
        assert content.read().startswith(magic)

    await use(sandbox, work)


async def test_remix() -> None:
    sandbox = Sandbox()
    source = sandbox.create(model="sora-2-pro", seconds="8", duration=0)

    def work(client: OpenAI) -> None:
        made = client.videos.remix(source.id, prompt="now at night")
        assert made.remixed_from_video_id == source.id
        assert (made.model, made.seconds, made.status) == ("sora-2-pro", "8", "queued")
        assert client.videos.retrieve(made.id) == made

    await use(sandbox, work)


async def test_edit_and_extend_a_video_that_was_made_here() -> None:
    sandbox = Sandbox()
    source = sandbox.create(seconds="8", size="1280x720", duration=0)

    def work(client: OpenAI) -> None:
        # `videos.edit` and `videos.extend` of this SDK take uploads only, whatever their types say
        reference = {"prompt": "and on", "video": {"id": source.id}}
        edited = client.post("/videos/edits", body=reference, cast_to=Video)
        assert (edited.seconds, edited.size, edited.status) == ("8", "1280x720", "queued")
        longer = client.post(
            "/videos/extensions", body={**reference, "seconds": "12"}, cast_to=Video
        )
        assert (longer.seconds, longer.size) == ("20", "1280x720")

    await use(sandbox, work)


async def test_edit_and_extend_an_uploaded_video() -> None:
    def work(client: OpenAI) -> None:
        clip = ("cat.mp4", b"\x00\x00\x00\x08free", "video/mp4")
        assert client.videos.edit(prompt="now at night", video=clip).status == "queued"
        assert client.videos.extend(prompt="and on", seconds="8", video=clip).seconds == "8"

    await use(Sandbox(), work)


async def test_create_and_get_a_character() -> None:
    def work(client: OpenAI) -> None:
        clip = ("cat.mp4", b"\x00\x00\x00\x08free", "video/mp4")
        made = client.videos.create_character(name="Mimi", video=clip)
        assert made.name == "Mimi"
        assert made.id is not None
        assert client.videos.get_character(made.id).to_dict() == made.to_dict()
        with pytest.raises(openai.NotFoundError) as caught:
            client.videos.get_character("char_nowhere")
        assert caught.value.code == "character_not_found"

    await use(Sandbox(), work)


def test_every_call_of_the_sdk_is_tried_here() -> None:
    tried = {
        *("create", "retrieve", "create_and_poll", "poll", "list", "delete", "download_content"),
        *("remix", "edit", "extend", "create_character", "get_character"),
    }
    calls = {name for name in vars(Videos) if not name.startswith(("_", "with_"))}
    assert calls <= tried


async def test_a_wrong_key_is_the_sdks_authentication_error() -> None:
    def work(client: OpenAI) -> None:
        with pytest.raises(openai.AuthenticationError):
            client.videos.create(prompt="a cat")

    await use(Sandbox(api_key="sk-right"), work, key="sk-wrong")
