"""The command line from outside: results, one-sentence errors, exit codes."""

import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
import trio

from notifier.http_server import Response
from notifier.model.event import EventType
from notifier.signing import decode_secret
from tests.faults.jobs import begin, finish
from tests.process.harness import (
    PATIENCE,
    Got,
    clean_environment,
    command,
    eventually,
    notifier,
    running,
    world,
)
from tests.process.verifiers import verifies

GOOD = """
[gateways.main]
base_url = "http://127.0.0.1:9/v1"
[endpoints.app]
url = "http://127.0.0.1:9/hook"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def env(folder: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(folder / "state")}


async def test_secret_prints_a_new_secret_each_time(tmp_path: Path) -> None:
    first, second = [(await notifier("secret")).stdout.strip() for _ in range(2)]
    assert len(decode_secret(first)) == len(decode_secret(second)) == 32
    assert first != second


async def test_schema_prints_what_the_repository_keeps() -> None:
    printed = await notifier("schema")
    assert printed.returncode == 0
    assert printed.stdout == (Path(__file__).parents[2] / "config.schema.json").read_text(
        encoding="utf-8"
    )


async def test_version() -> None:
    assert (await notifier("--version")).stdout.startswith("notifier 0.")


async def test_init_writes_a_private_config_that_passes_the_check_and_never_overwrites(
    tmp_path: Path,
) -> None:
    made = await notifier("init", cwd=tmp_path)
    assert made.returncode == 0
    assert "notifier run" in made.stdout
    path = tmp_path / "config.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()

    assert (await notifier("check", cwd=tmp_path, env=env(tmp_path))).returncode == 0
    again = await notifier("init", cwd=tmp_path)
    assert again.returncode == 1
    assert "exists already" in again.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize("verb", ["check", "run", "status"])
async def test_a_database_without_its_driver_is_refused_by_the_check_as_by_a_start(
    verb: str, tmp_path: Path
) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError")
    config = GOOD + '[store]\nurl = "postgresql://n:secret@127.0.0.1:1/n"\n'
    without = env(tmp_path) | {"PYTHONPATH": str(tmp_path)}
    done = await notifier(verb, "-c", write(tmp_path, config), env=without)
    assert (done.returncode, done.stdout) == (78, "")
    (sentence,) = done.stderr.splitlines()
    assert "psycopg" in sentence
    assert "pip install '.[postgres]'" in sentence


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("[gateways.main\n", ["line 1"]),
        (GOOD + "[gatways.x]\n", ["gatways", "did you mean `gateways`"]),
        (GOOD.replace("127.0.0.1:9/v1", ""), ["gateways.main.base_url"]),
        (GOOD.replace("whsec_M", "whsec_!"), ["endpoints.app.secret"]),
        (
            GOOD.replace("[endpoints.app]", 'poll_interval = "soon"\n[endpoints.app]')
            + 'timeout = "-1s"\n[[watches]]\nvideo_id = "v"\nendpoints = ["nobody"]\n',
            ["gateways.main.poll_interval", "endpoints.app.timeout", "watches[0].endpoints"],
        ),
    ],
)
@pytest.mark.parametrize("verb", ["check", "run"])
async def test_a_wrong_config_stops_the_start_and_names_everything_that_is_wrong(
    text: str, sentences: list[str], verb: str, tmp_path: Path
) -> None:
    done = await notifier(verb, "-c", write(tmp_path, text), env=env(tmp_path))
    assert done.returncode == 78
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for sentence in sentences:
        assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == len(sentences) if len(sentences) == 3 else True


@pytest.mark.parametrize("verb", ["check", "run"])
async def test_a_missing_secret_file_is_named_and_nothing_starts(
    verb: str, tmp_path: Path
) -> None:
    text = GOOD.replace("[endpoints.app]", 'api_key = { file = "/no/such/key" }\n[endpoints.app]')
    done = await notifier(verb, "-c", write(tmp_path, text), env=env(tmp_path))
    assert done.returncode == 78
    assert "gateways.main.api_key" in done.stderr
    assert "/no/such/key" in done.stderr


async def test_no_config_at_all_says_where_it_looked(tmp_path: Path) -> None:
    done = await notifier("run", cwd=tmp_path)
    assert done.returncode == 78
    assert "notifier init" in done.stderr
    assert len(done.stderr.splitlines()) == 1


async def test_commands_that_only_read_need_no_secrets(tmp_path: Path) -> None:
    text = GOOD.replace('"http://127.0.0.1:9/hook"', '{ env = "NOT_SET_ANYWHERE" }')
    path = write(tmp_path, text)
    for words in (("watch", "list"), ("endpoints", "list"), ("watch", "add", "video_1")):
        done = await notifier(*words, "-c", path, env=env(tmp_path))
        assert done.returncode == 0, done.stderr
    assert (await notifier("check", "-c", path, env=env(tmp_path))).returncode == 78


async def test_a_state_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    text = GOOD + f'[store]\npath = "{tmp_path}/file/notifier.db"\n'
    done = await notifier("run", "-c", write(tmp_path, text))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "cannot keep state in" in done.stderr


async def test_watch_add_list_remove(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    added = await notifier(
        "watch", "add", "a/b", "video 2", "--metadata", "user=7", "--give-up-after", "2h",
        "-c", path, env=env(tmp_path),
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    dropins = sorted((tmp_path / "watches.d").iterdir())
    assert [file.suffix for file in dropins] == [".toml", ".toml"]
    (entry,) = tomllib.loads(dropins[0].read_text())["watches"]
    assert entry["metadata"] == {"user": "7"}
    assert entry["give_up_after"] == 7200

    rows = json.loads((await notifier("watch", "list", "--json", "-c", path)).stdout)
    assert {(row["video_id"], row["state"]) for row in rows} == {
        ("a/b", "new"),
        ("video 2", "new"),
    }

    removed = await notifier("watch", "remove", "a/b", "video 2", "-c", path)
    assert removed.returncode == 0
    assert list((tmp_path / "watches.d").iterdir()) == []
    missing = await notifier("watch", "remove", "a/b", "-c", path)
    assert (missing.returncode, len(missing.stderr.splitlines())) == (1, 1)


async def test_odd_ids_are_shown_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    odd = ["job[/1]", "a:fire:b", "[video_1]", "x\\[b]", "🎬", "x" * 512]
    assert (await notifier("watch", "add", *odd, "-c", path)).returncode == 0
    shown = await notifier("watch", "list", "-c", path)
    assert shown.returncode == 0
    assert {line.split()[0] for line in shown.stdout.splitlines()[1:]} == set(odd)


async def test_adding_a_watch_again_keeps_its_settings(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    await notifier("watch", "add", "job", "--metadata", "user=7", "-c", path)
    await notifier("watch", "add", "job", "-c", path)
    (file,) = (tmp_path / "watches.d").iterdir()
    (entry,) = tomllib.loads(file.read_text())["watches"]
    assert entry["metadata"] == {"user": "7"}
    await notifier("watch", "add", "job", "--metadata", "user=8", "-c", path)
    (entry,) = tomllib.loads(file.read_text())["watches"]
    assert entry["metadata"] == {"user": "8"}


async def test_following_a_watch_that_is_removed_ends(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.sandbox.create(video_id="job", duration=600)
        path = w.save()
        terminal, inside = os.openpty()
        async with running(path):
            process = await trio.lowlevel.open_process(
                command("watch", "add", "job", "--wait", "-c", path),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=inside,
                env=clean_environment(TERM="xterm"),
            )
            os.close(inside)
            async with trio.lowlevel.FdStream(terminal) as screen:
                shown = b""
                with trio.fail_after(PATIENCE):
                    while not re.search(rb"asking|queued|in_progress", shown):
                        shown += await screen.receive_some()
                removed = await notifier("watch", "remove", "job", "-c", path)
                assert removed.returncode == 0
                with trio.fail_after(PATIENCE):
                    assert await process.wait() == 1


def catches(process: trio.Process, *signs: signal.Signals) -> bool:
    """Return whether the process has a handler of its own for each of the signals."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return all(caught >> (sign - 1) & 1 for sign in signs)


async def test_closed_and_full_outputs_are_no_traceback(tmp_path: Path) -> None:
    listing = shlex.join(command("secret"))
    for redirection in (">&-", "> /dev/full"):
        done = await trio.run_process(
            ["sh", "-c", f"{listing} {redirection}"],
            capture_stderr=True,
            check=False,
            env=clean_environment(),
        )
        assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("server", ["listen", "sandbox"])
async def test_a_full_disk_behind_stdout_ends_no_server(server: str, tmp_path: Path) -> None:
    said, full = tmp_path / "stderr", os.open("/dev/full", os.O_WRONLY)
    with said.open("w") as stderr:
        process = await trio.lowlevel.open_process(
            command(server, "--port", "0"),
            cwd=tmp_path,
            stdout=full,
            stderr=stderr,
            env=clean_environment(),
        )
        os.close(full)
        try:
            await eventually(lambda: said.stat().st_size > 0, "a warning")
            assert process.poll() is None
            process.terminate()
            with trio.fail_after(PATIENCE):
                assert await process.wait() == 0
        finally:
            process.kill()
    assert "cannot be printed: No space left on device" in said.read_text()
    assert "Traceback" not in said.read_text()


async def test_a_closed_stdin_holds_no_ids(tmp_path: Path) -> None:
    adding = shlex.join(command("watch", "add", "-", "-c", write(tmp_path, GOOD)))
    done = await trio.run_process(
        ["sh", "-c", f"{adding} <&-"], capture_stderr=True, env=clean_environment()
    )
    assert b"stdin holds no ids" in done.stderr


async def test_a_broken_dropin_is_a_warning(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    folder = tmp_path / "watches.d"
    folder.mkdir()
    (folder / "broken.toml").write_text("x = [")
    listed = await notifier("watch", "list", "-c", path)
    assert listed.returncode == 0
    assert "broken.toml" in listed.stderr
    shutil.rmtree(folder)
    folder.write_text("a file where the folder should be")
    checked = await notifier("check", "-c", path)
    assert checked.returncode == 78
    assert "the folder cannot be used" in checked.stderr


@pytest.mark.parametrize("video_id", ["..", ".", "", "x" * 513, "a\nb"])
async def test_an_impossible_id_is_refused_before_anything_is_written(
    video_id: str, tmp_path: Path
) -> None:
    path = write(tmp_path, GOOD)
    done = await notifier("watch", "add", video_id, "-c", path)
    assert done.returncode == 2
    assert "video_id" in done.stderr
    assert not (tmp_path / "watches.d").exists()


async def test_a_video_that_has_ended_is_watched_again_only_when_asked_to(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.sandbox.create(video_id="job", duration=0.2)
        path = w.save()
        assert (await notifier("watch", "add", "job", "-c", path)).returncode == 0
        async with running(path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

        refused = await notifier("watch", "add", "job", "-c", path)
        assert refused.returncode == 1
        assert "--again" in refused.stderr
        assert (await notifier("watch", "add", "job", "--again", "-c", path)).returncode == 0
        async with running(path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        async with running(path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

        assert len(app.got) == 2
        assert len({got.id for got in app.got}) == 2
        swept = await notifier("watch", "remove", "--ended", "-c", path)
        assert swept.stdout.splitlines()[-1] == "removed 1 drop-in"


async def test_endpoints_test_sends_one_signed_event(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        sent = await notifier("endpoints", "test", "app", "-c", w.save())
        assert sent.returncode == 0
        assert app.got[0].event["type"] == "notifier.test"
        app.answer = lambda _: Response(500)
        refused = await notifier("endpoints", "test", "app", "-c", w.config_path)
        assert refused.returncode == 1
        assert "http_500" in refused.stderr
        unknown = await notifier("endpoints", "test", "nobody", "-c", w.config_path)
        assert (unknown.returncode, "nobody" in unknown.stderr) == (1, True)


async def test_endpoints_test_sends_a_signed_sample_of_any_type(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app, team = await w.receiver(), await w.receiver()
        w.endpoint(app)
        w.config["endpoints"]["team"] = {"url": team.url, "format": "slack"}
        path = w.save()
        kinds = (EventType.COMPLETED, EventType.ENDPOINT_DISABLED)  # all: tests/formats
        for number, kind in enumerate(kinds, 1):
            sent = await notifier("endpoints", "test", "app", "--type", kind, "-c", path)
            assert (sent.returncode, len(app.got)) == (0, number), sent.stderr
            event = app.got[-1].event
            assert (event["type"], event["test"]) == (kind, True)
            assert event["data"]["id"] == "video_notifier_test"
            assert verifies(w.secret, app.got[-1])
        shown = await notifier("endpoints", "test", "team", "--type", "video.failed", "-c", path)
        assert (shown.returncode, b"Video failed (test)" in team.got[0].body) == (0, True)
        wrong = await notifier("endpoints", "test", "app", "--type", "video.complete", "-c", path)
    assert wrong.returncode == 2
    assert '"video.complete"' in wrong.stderr
    assert "did you mean `video.completed`?" in wrong.stderr
    assert len(app.got) == len(kinds)


async def test_a_gone_endpoint_is_disabled_visibly_and_gets_what_was_held_once_enabled(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver(answer=lambda _: Response(410))
        w.endpoint(app)
        for number in range(3):
            w.sandbox.create(video_id=f"job-{number}", duration=0.2)
            w.watch(f"job-{number}")
        path = w.save()
        async with running(path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 1
        before = len(app.got)
        (row,) = json.loads((await notifier("endpoints", "list", "--json", "-c", path)).stdout)
        assert "410" in row["disabled"]
        assert (row["pending"], row["held"]) == (0, 3)

        app.answer = lambda _: Response(204)
        assert (await notifier("endpoints", "enable", "app", "-c", path)).returncode == 0
        async with running(path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        delivered = {got.event["data"]["id"] for got in app.got[before:]}
        assert delivered == {"job-0", "job-1", "job-2"}


async def test_exit_when_done_exits_1_when_something_stayed_undelivered(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver(answer=lambda _: Response(500))
        w.endpoint(app, retry_schedule=["100ms"])
        w.sandbox.create(video_id="job", duration=0.2)
        w.watch("job")
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 1
    assert daemon.logs("attempt")[-1]["dead_letter"] == "attempt 2 of 2 ended with http_500"


async def test_probe_explains_what_a_gateway_says(tmp_path: Path) -> None:
    async with world(tmp_path, profile="openrouter") as w:
        w.endpoint(await w.receiver())
        w.sandbox.create(video_id="job", duration=0.001, ending="failed")
        path = w.save()
        good = await notifier("probe", "main", "job", "-c", path)
        missing = await notifier("probe", "main", "nobody", "-c", path)
    assert good.returncode == 0
    assert "status 'failed' means failed" in good.stdout
    assert missing.returncode == 1
    assert "does not know this video" in missing.stdout
    unreachable = await notifier("probe", "main", "job", "-c", path)
    assert unreachable.returncode == 1
    assert "Connection refused" in unreachable.stdout


async def test_an_unreachable_gateway_and_an_unknown_video_keep_the_daemon_running(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")
        w.config["gateways"]["dead"] = {"base_url": "http://127.0.0.1:9/v1"}
        w.watch("unknown", gateway="main")
        w.watch("unreachable", gateway="dead")
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("poll", 2)
            outcomes = {line["video_id"]: line["outcome"] for line in daemon.logs("poll")}
            assert await daemon.end() == 0
    assert outcomes == {"unknown": "not_found", "unreachable": "connect"}


async def test_no_secret_reaches_log_output_or_event(tmp_path: Path) -> None:
    canaries = {
        "key": "sk-canary-api-key-0001",
        "slack": "T0CANARY/B0CANARY/canarytoken0002",
        "header": "canary-header-value-0003",
    }

    def fail_once(got: Got) -> Response:
        return Response(500 if len(slack.got) == 1 else 200, {}, b"ok")

    async with world(tmp_path, api_key=canaries["key"]) as w:
        app = await w.receiver()
        slack = await w.receiver(answer=fail_once)
        w.endpoint(app, headers={"x-canary": canaries["header"]})
        w.gateway(api_key=canaries["key"], headers={"x-gateway": canaries["header"]})
        slack_url = f"http://127.0.0.1:{slack.port}/services/{canaries['slack']}"
        w.config["endpoints"]["chat"] = {
            "url": slack_url,
            "format": "slack",
            "retry_schedule": ["1s"],
        }
        w.config["log"] = {"level": "debug"}
        w.sandbox.create(video_id="job", duration=0.5)
        w.watch("job")
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        outputs = [
            (await notifier(*words, "-c", w.config_path)).stdout
            for words in (("endpoints", "list"), ("watch", "list"), ("check",))
        ]
    assert len(slack.got) == 2
    bodies = b"".join(got.body for got in [*app.got, *slack.got]).decode()
    state = b"".join(file.read_bytes() for file in w.store_path.parent.iterdir()).decode("latin-1")
    text = "\n".join([daemon.log_path.read_text(), *outputs, bodies, state])
    for canary in [*canaries.values(), "canarytoken", w.secret, w.secret[6:]]:
        assert canary not in text


async def test_two_configs_do_not_share_a_store_by_accident(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.sandbox.create(video_id="job", duration=0.1)
        w.watch("job")
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        other = tmp_path / "other.toml"
        other.write_bytes(w.config_path.read_bytes())
        other.chmod(0o600)
        refused = await notifier("run", "-c", other)
        assert refused.returncode == 78
        assert "--adopt" in refused.stderr
        adopted = await notifier("run", "-c", other, "--adopt", "--exit-when-done")
        assert adopted.returncode == 0


async def test_a_second_ctrl_c_quits_at_once_and_loses_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver(answer=lambda _: Response(204))
        w.endpoint(app, timeout="60s")
        begin(w, "job")

        def interrupt_twice(_: Got) -> None:
            daemon.process.send_signal(signal.SIGINT)
            daemon.process.send_signal(signal.SIGINT)

        async with running(w.save()) as daemon:
            app.before_answer = interrupt_twice
            finish(w, "job")
            assert await daemon.exit_code() == 0
        db = sqlite3.connect(f"file:{w.store_path}?mode=ro", uri=True)
        states = db.execute("SELECT state, in_flight FROM deliveries").fetchall()
        db.close()
        assert states in ([("pending", None)], [("delivered", None)])


async def test_a_reader_that_closes_the_pipe_causes_no_error_message(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    listing = shlex.join(command("watch", "list", "-c", path))
    done = await trio.run_process(
        ["sh", "-c", f"(sleep 0.2; {listing}) | true"],
        capture_stderr=True,
        env=clean_environment(),
    )
    assert done.stderr == b""
