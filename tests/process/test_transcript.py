"""The page about pass-through shows what a run of its script prints."""

import os
import re
import shlex
import sys
from pathlib import Path

import trio

from tests.process.harness import notifier
from tests.process.test_passthrough import KEY, Passing, passing

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).parent / "make_video.py"
PAGE = ROOT / "docs" / "passthrough.md"
SHOWN_URL = "http://127.0.0.1:8788/main/v1"


async def test_the_transcript_is_what_a_run_prints(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```console\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    making, listing = re.findall(r"^\$ (.*)$", shown, re.MULTILINE)
    async with passing(tmp_path) as here:
        printed = f"$ {making}\n{await run_script(here, making)}"
        await here.daemon.wait_for_log("attempt")
        program, *arguments = shlex.split(listing)
        assert program == "notifier"
        listed = await notifier(*arguments, "-c", here.world.config_path)
        printed += f"$ {listing}\n{listed.stdout}"
    assert with_one_id(printed) == with_one_id(shown)


async def run_script(here: Passing, command: str) -> str:
    """Run the script as the page says, with the real port; return what it prints."""
    program, *options, name = shlex.split(command)
    assert program == "python"
    text = SCRIPT.read_text()
    assert text.count(SHOWN_URL) == 1
    copy = here.world.folder / name
    copy.write_text(text.replace(SHOWN_URL, here.base_url))
    done = await trio.run_process(
        [sys.executable, *options, name],
        cwd=copy.parent,
        env={**os.environ, "OPENAI_API_KEY": KEY},
        capture_stdout=True,
    )
    return done.stdout.decode()


def with_one_id(text: str) -> str:
    """Return the text with the id of its only video replaced."""
    (video_id,) = set(re.findall(r"video_[0-9a-f]{32}", text))
    return text.replace(video_id, "VIDEO").rstrip()
