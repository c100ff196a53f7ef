"""No secret leaves the daemon, whatever gateways, receivers and proxies send.

Gateways quote every header they were sent, in each place that ends up in a log, an error or an
event; receivers quote what they got and fail; all of it at level debug.
"""

import json
import signal
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import trio

from notifier.http_server import Request, Response, Wire, json_response, serve
from tests.faults.canaries import Canaries, files_below, found
from tests.process.harness import Got, World, eventually, notifier, running, world

VIDEOS = ("failed", "unicode", "url", "extra", "angry", "forbidden", "nonsense", "gone", "done")


@dataclass
class Parrot:
    """A gateway that echoes each request, in another way for each video."""

    requests_seen: list[str] = field(default_factory=list)

    async def handle(self, request: Request, wire: Wire) -> Response:
        echo = f"{request.path} " + " ".join(f"{k}: {v}" for k, v in request.headers.items())
        self.requests_seen.append(echo)
        video_id = request.segments[-1]
        video = {"id": video_id, "object": "video", "status": "failed"}
        escaped = "".join(f"\\u{ord(c):04x}" for c in echo)
        json_type = {"content-type": "application/json"}
        answers = {
            "failed": json_response({**video, "error": {"message": echo, "code": echo[:60]}}),
            "unicode": Response(
                200,
                json_type,
                f'{{"id": "unicode", "status": "failed", "error": "{escaped}"}}'.encode(),
            ),
            "url": json_response({**video, "status": "completed", "url": echo, "model": echo}),
            "extra": json_response({**video, "status": echo, "debug": {echo: [echo]}}),
            "angry": json_response({"error": {"message": echo}}, 500, {"retry-after": echo}),
            "forbidden": json_response({"error": {"message": echo, "type": echo}}, 403),
            "nonsense": Response(200, {"content-type": "text/html"}, echo.encode()),
            "gone": json_response({"error": {"message": f"video gone not found ({echo})"}}, 404),
        }
        return answers.get(video_id) or json_response({**video, "status": "completed"})


def rude(got: Got) -> Response | None:
    """Fail in a different way each time, quoting everything."""
    echo = json.dumps(dict(got.headers)).encode() + got.body
    number = sum(got.body) % 4
    if number == 0:
        return None
    location = {"location": "http://127.0.0.1:1/" + got.headers.get("x-key", "")}
    return Response([500, 302, 429][number - 1], location, echo)


async def set_up(w: World, secrets: Canaries) -> None:
    port = await w.nursery.start(partial(serve, Parrot().handle, port=0))
    proxy = await w.nursery.start(partial(serve, Parrot().handle, port=0))
    (w.folder / "header.secret").write_text(secrets.gateway_header)
    (w.folder / "app.secret").write_text(secrets.file_whsec)
    fast = {"poll_interval": "200ms", "min_poll_interval": "100ms", "give_up_after": "6s"}
    w.config["gateways"] = {
        "main": {
            "base_url": f"http://127.0.0.1:{port}/v1",
            "api_key": {"env": "CANARY_KEY"},
            "headers": {"X-Team": {"file": "header.secret"}},
            "not_found_grace": "500ms",
            **fast,
        },
        "behind": {
            "base_url": "http://gateway.invalid/v1",
            "api_key": {"env": "CANARY_KEY"},
            "proxy": f"http://me:{secrets.proxy_password}@127.0.0.1:{proxy}",
            **fast,
        },
        "nowhere": {"base_url": "http://127.0.0.1:1/v1", "api_key": {"env": "CANARY_KEY"}, **fast},
    }
    good, bad, slack = await w.receiver(), await w.receiver(answer=rude), await w.receiver()
    retries = {"retry_schedule": ["200ms", "200ms"], "timeout": "2s"}
    w.endpoint(good, "app", secret=[{"file": "app.secret"}, secrets.literal_whsec])
    w.endpoint(
        bad,
        "rude",
        url={"env": "CANARY_URL"},
        secret=secrets.literal_whsec,
        headers={"X-Key": {"credential": "header"}},
        **retries,
    )
    w.config["endpoints"]["tls"] = {
        "url": f"https://127.0.0.1:{good.port}/{secrets.url_token}",
        "secret": {"file": "app.secret"},
        **retries,
    }
    w.config["endpoints"]["team"] = {
        "url": f"http://127.0.0.1:{slack.port}/services/{secrets.slack_path}",
        "format": "slack",
    }
    w.watch(*VIDEOS, gateway="main")
    w.watch("failed", "unicode", gateway="behind")
    w.watch("never", gateway="nowhere")
    (w.folder / "credentials").mkdir()
    (w.folder / "credentials" / "header").write_text(secrets.endpoint_header)
    w.receivers = {"app": good, "rude": bad, "team": slack}


@pytest.mark.parametrize("style", ["json", "console"])
async def test_no_secret_is_in_any_log_error_output_event_or_file(
    style: str, tmp_path: Path
) -> None:
    secrets = Canaries()
    texts: dict[str, bytes] = {}
    async with world(tmp_path) as w:
        await set_up(w, secrets)
        w.config["log"] = {"level": "debug", "format": style}
        env = {
            "CANARY_KEY": secrets.api_key,
            "CANARY_URL": f"{w.receivers['rude'].url}?token={secrets.url_token}",
            "CREDENTIALS_DIRECTORY": str(w.folder / "credentials"),
        }
        config = w.save()
        if style == "json":
            texts |= await commands(w, config, env)
        async with running(config, started=style == "json", **env) as daemon:
            await eventually(
                lambda: len({got.id for got in w.receivers["app"].got}) >= len(VIDEOS),
                "an event about every video",
            )
            (w.folder / "app.secret").unlink()
            w.folder.joinpath("header.secret").write_text("rotated-without-a-canary")
            await trio.sleep(0.5)  # the daemon meets a secret that is gone
            cmdline = Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes()
            assert await daemon.end(signal.SIGTERM) == 0
        texts["command line"] = cmdline
        for name, receiver in w.receivers.items():
            texts |= {f"event {n} at {name}": got.body for n, got in enumerate(receiver.got)}
        may_hold = (config, w.folder / "app.secret", *w.folder.glob("credentials/*"))
        texts |= files_below(w.folder, but=may_hold)

    assert any("notifier.db" in place for place in texts)
    assert any("daemon.log" in place for place in texts)
    echo = b"".join(texts.values())
    assert b"[secret]" in echo
    # what stands in the config as an URL is shown there: it was typed where anybody looks
    hidden = {kind: text for kind, text in secrets.all().items() if kind != "url_token"}
    assert found(texts, hidden) == []


async def commands(w: World, config: Path, env: dict[str, str]) -> dict[str, bytes]:
    """Run every command that reads a secret or is close to one; return their output."""
    broken = w.folder / "broken.toml"
    broken.write_text(
        config.read_text().replace('poll_interval = "200ms"', 'poll_interval = "never"')
        + '[endpoints.app.extra]\nsecret = "x"\n'
    )
    echo = {}
    for words in (
        ("check", "-c", config),
        ("check", "-c", broken),
        ("watch", "list", "-c", config, "--json"),
        ("endpoints", "list", "-c", config, "--json"),
        ("endpoints", "list", "-c", config),
        *(("endpoints", "test", name, "-c", config) for name in ("app", "rude", "tls", "team")),
        *(("probe", "main", video, "-c", config) for video in VIDEOS),
        ("probe", "behind", "failed", "-c", config),
        ("probe", "nowhere", "failed", "-c", config),
    ):
        done = await notifier(*words, env=env)
        echo[" ".join(map(str, words[:3]))] = (done.stdout + done.stderr).encode()
        assert "Traceback" not in done.stderr
    broken.unlink()
    return echo


def test_the_search_finds_a_secret_in_any_disguise() -> None:
    secrets = {"api_key": 'sk-"a/b'}
    disguises = (b'sk-"a/b', b"sk-%22a%2Fb", b'sk-\\"a/b', b"c2stImEv")
    for disguise in disguises:
        assert found({"a log": b"x" + disguise + b"x"}, secrets) == ["api_key in a log"]
    assert found({"a log": b"sk-"}, secrets) == []
