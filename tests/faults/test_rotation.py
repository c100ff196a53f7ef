"""Secrets that change while the daemon runs."""

import os
from pathlib import Path

from notifier.signing import generate_secret
from tests.faults.jobs import begin, finish
from tests.process.harness import eventually, running, world
from tests.process.verifiers import verifies


async def test_while_two_secrets_are_listed_receivers_with_either_verify(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        new, old = generate_secret(), generate_secret()
        app = await w.receiver()
        w.endpoint(app, secret=[new, old])
        w.sandbox.create(video_id="job", duration=0.1)
        w.watch("job")
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        (got,) = app.got
        assert verifies(new, got)
        assert verifies(old, got)
        assert not verifies(generate_secret(), got)


async def test_a_secret_file_takes_effect_without_a_restart_however_it_is_changed(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        file = tmp_path / "app.secret"
        secrets = [generate_secret() for _ in range(3)]
        file.write_text(secrets[0])
        file.chmod(0o600)
        app = await w.receiver()
        w.endpoint(app, secret={"file": "app.secret"})
        begin(w, "first", "second", "third")
        async with running(w.save()) as daemon:
            finish(w, "first")
            await app.wait_for(1)

            replacement = tmp_path / "new.secret"
            replacement.write_text(secrets[1])
            replacement.rename(file)
            finish(w, "second")
            await app.wait_for(2)

            # in place, as long as before, and with the old time of writing
            before = file.stat()
            file.write_text(secrets[2])
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
            finish(w, "third")
            await app.wait_for(3)
            assert await daemon.end() == 0

        for number, got in enumerate(app.got):
            assert [verifies(secret, got) for secret in secrets] == [
                number == index for index in range(3)
            ]


async def test_a_changed_api_key_is_what_the_gateway_is_asked_with_next(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-old-key-00000000")
    async with world(tmp_path, api_key="sk-new-key-00000000") as w:
        w.gateway(api_key={"file": "key"})
        app = await w.receiver()
        w.endpoint(app)
        w.sandbox.create(video_id="job", duration=0.1)
        w.watch("job")
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("gateway_paused")
        key.write_text("sk-new-key-00000000")
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        await eventually(lambda: len(app.got) == 1, "the event")
