"""Why a receiver refused is kept, and shown wherever an operator looks."""

import json
from pathlib import Path

from notifier.http_server import Response
from tests.faults.jobs import begin, finish
from tests.process.harness import notifier, running, world

SAID = "field order is missing \x1b[2J\u202e"
SHOWN = "field order is missing"


async def test_the_reason_of_a_refusal_is_in_every_view_and_drives_no_terminal(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver(answer=lambda _: Response(400, {}, SAID.encode()))
        w.endpoint(app, retry_schedule=["100ms"])
        begin(w, "job")
        here = ("-c", w.save())
        async with running(w.config_path, "--exit-when-done") as daemon:
            finish(w, "job")
            assert await daemon.exit_code() == 1
        retried, dead = daemon.logs("attempt")
        assert SHOWN in retried["detail"]
        assert SHOWN in dead["dead_letter"]

        (event,) = json.loads((await notifier("events", "list", "--json", *here)).stdout)
        text = (await notifier("events", "show", event["id"], *here)).stdout
        assert text.count(SHOWN) == 3  # two attempts, and the dead letter
        assert all(char.isprintable() or char == "\n" for char in text)
        (shown,) = json.loads(
            (await notifier("events", "show", event["id"], "--json", *here)).stdout
        )
        (delivery,) = shown["deliveries"]
        assert all(SHOWN in attempt["detail"] for attempt in delivery["attempts"])
        assert SHOWN in delivery["reason"]

        tested = await notifier("endpoints", "test", "app", *here)
        assert SHOWN in tested.stderr
        assert "\x1b" not in tested.stderr


HOSTILE = "\x1b]0;OWNED\x07\x9b2J \u202e\U000e0041"


async def test_what_a_gateway_or_a_caller_writes_drives_no_terminal(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.sandbox.create(video_id="job", duration=0.001, model=HOSTILE)
        w.watch("job", metadata={"note": HOSTILE})
        here = ("-c", w.save())
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        (event,) = json.loads((await notifier("events", "list", "--json", *here)).stdout)
        shown = await notifier("events", "show", event["id"], *here)
        for text in (
            shown.stdout,
            (await notifier("watch", "list", *here)).stdout,
            daemon.log_path.read_text(),
        ):
            assert all(char.isprintable() or char == "\n" for char in text)
        as_json = await notifier("events", "show", event["id"], "--json", *here)
        assert all(char.isprintable() or char == "\n" for char in as_json.stdout)
        (row,) = json.loads(as_json.stdout)
        assert row["body"]["watch"]["metadata"] == {"note": HOSTILE}  # it is the caller's own
