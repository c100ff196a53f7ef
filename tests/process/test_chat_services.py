"""Messages as people get them: the real daemon, and stand-ins with each service's own rules."""

import hashlib
import hmac
import json
from functools import partial
from pathlib import Path

import pytest

from notifier.http_server import Response, serve
from notifier.model.event import EventType
from tests.process.chat_services import SERVICES, ChatService
from tests.process.harness import World, notifier, running, world


async def service(w: World, form: str, name: str = "", *, limited: int = 0) -> ChatService:
    """Start the stand-in of a format, with an endpoint that is configured for it."""
    judge, path, keys = SERVICES[form]
    stand_in = ChatService(judge, limited)
    port = await w.nursery.start(partial(serve, stand_in.handle, port=0))
    url = f"http://127.0.0.1:{port}{path}"
    endpoints = w.config.setdefault("endpoints", {})
    endpoints[name or form] = {"url": url, "format": form, "retry_schedule": ["1s"], **keys}
    return stand_in


async def test_every_service_takes_the_ending_once(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        stand_ins = {form: await service(w, form) for form in SERVICES}
        w.config["endpoints"]["feishu"]["language"] = "zh"
        w.sandbox.create(video_id="job", duration=0.5, ending="failed")
        w.watch("job", metadata={"user": "Zoë"})
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0, daemon.log_path.read_text()
        checked = await notifier("check", "-c", w.config_path)
    assert checked.returncode == 0, checked.stderr
    for form, stand_in in stand_ins.items():
        (message,) = stand_in.taken
        shown = json.dumps(message, ensure_ascii=False)
        assert ("视频生成失败" if form == "feishu" else "Video failed") in shown
        assert "Zoë" in shown


async def test_what_a_service_refuses_inside_a_200_is_dead_with_its_reason(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        for form in ("feishu", "dingtalk"):
            await service(w, form)
            w.config["endpoints"][form]["secret"] = "SECanother"
        await service(w, "wecom")
        w.config["endpoints"]["wecom"]["url"] += "wrong"
        w.sandbox.create(video_id="job", duration=0.5)
        w.watch("job")
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 1
        attempts = {each["endpoint"]: each for each in daemon.logs("attempt")}
    for form, code in (("feishu", "19021"), ("dingtalk", "310000"), ("wecom", "93000")):
        assert attempts[form]["outcome"] == f"refused_{code}"
        assert "no retry will change" in attempts[form]["dead_letter"]
    assert "SECanother" not in daemon.log_path.read_text()


@pytest.mark.parametrize("code", ["[]", r'"\ud800"', "{}", r'"\u001b[2J"'])
async def test_a_code_that_is_none_is_an_unreadable_answer(code: str, tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        said = f'{{"errcode": {code}}}'.encode()
        odd = await w.receiver(answer=lambda _: Response(200, {}, said))
        w.config.setdefault("endpoints", {})["odd"] = {
            "url": odd.url, "format": "wecom", "retry_schedule": ["100ms"],
        }  # fmt: skip
        w.sandbox.create(video_id="job", duration=0.5)
        w.watch("job")
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 1
        assert {each["outcome"] for each in daemon.logs("attempt")} == {"refused_unreadable"}


async def test_what_a_service_limits_is_sent_again_later(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        stand_in = await service(w, "discord", limited=1)
        w.sandbox.create(video_id="job", duration=0.5)
        w.watch("job")
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
    assert (stand_in.asked, len(stand_in.taken)) == (2, 1)


@pytest.mark.parametrize("form", SERVICES)
async def test_a_sample_of_each_format_can_be_sent(form: str, tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        stand_in = await service(w, form)
        sent = await notifier(
            "endpoints", "test", form, "--type", EventType.FAILED, "-c", w.save()
        )
        limited = await service(w, form, "limited", limited=1)
        refused = await notifier("endpoints", "test", "limited", "-c", w.save())
    assert (sent.returncode, len(stand_in.taken)) == (0, 1), sent.stderr
    assert (refused.returncode, limited.taken) == (1, [])
    assert "did not take it" in refused.stderr


async def test_a_template_and_githubs_signature_reach_the_receiver(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        own, broken = await w.receiver(), await w.receiver()
        (tmp_path / "good.j2").write_text('{"text": {{ data.id | tojson }}}')
        (tmp_path / "endless.j2").write_text(
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
        )
        both = {"format": "template", "signature": ["standard", "github"]}
        w.endpoint(own, "own", **both, template="good.j2")
        w.endpoint(broken, "broken", **both, template="endless.j2")
        w.sandbox.create(video_id="job", duration=0.5)
        w.watch("job")
        path = w.save()
        checked = await notifier("check", "-c", path)
        async with running(path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 1
        dead = [each for each in daemon.logs("attempt") if each["endpoint"] == "broken"]
    assert checked.returncode == 78
    assert "endpoints.broken.template" in checked.stderr
    assert [each["outcome"] for each in dead] == ["template"]
    assert "more than 1 s" in dead[0]["dead_letter"]
    assert broken.got == []
    (got,) = own.got
    assert json.loads(got.body) == {"text": "job"}
    digest = hmac.new(w.secret.encode(), got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-hub-signature-256"] == f"sha256={digest}"
    assert got.headers["webhook-id"].startswith("evt_")


@pytest.mark.parametrize("form", ["standard", "cloudevents", "template", *SERVICES, "slack"])
async def test_init_writes_a_config_of_any_format_that_passes_the_check(
    form: str, tmp_path: Path
) -> None:
    made = await notifier(
        *("init", "--format", form, "--endpoint-url", "https://hooks.example/x"), cwd=tmp_path
    )
    assert made.returncode == 0, made.stderr
    assert (await notifier("check", cwd=tmp_path)).returncode == 0
