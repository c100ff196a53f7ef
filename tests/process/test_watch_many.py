"""Many watches with one command: from stdin, through the daemon or in one drop-in file."""

import json
import tomllib
from pathlib import Path

from tests.process.harness import notifier, running, world

IDS = [f"job-{number}" for number in range(1000)]
LINES = "\n".join(IDS)
MIXED = """\
plain

  {"video_id": "tagged", "metadata": {"user": "7"}}
{"video_id": 3}
{"video_id": "typo", "gatway": "main"}
{broken
-
  with spaces around  
# a comment
["in brackets"]
"from jq without -r"
"unclosed
"""  # noqa: W291 - the spaces are the point
WATCHED = {"plain", "tagged", "with spaces around", "from jq without -r"}
ERRORS = [
    "line 4: video_id: ",
    "line 5: gatway: ",
    "line 6: is not valid JSON",
    "line 7: video_id: ",
    "line 9: starts like a comment",
    "line 10: is neither an id nor an object",
    "line 12: is not valid JSON",
]


async def listed(path: Path) -> dict[str, dict[str, object]]:
    rows = json.loads((await notifier("watch", "list", "--json", "-c", path)).stdout)
    return {row["video_id"]: row for row in rows}


def _number(line: str) -> int:
    return int(line.split()[1].rstrip(":"))


def errors(stderr: str) -> list[str]:
    lines = [line for line in stderr.splitlines() if "line " in line]
    return sorted((line.removeprefix("notifier: ") for line in lines), key=_number)


async def test_a_thousand_ids_go_into_one_file_and_out_of_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        path = w.save()
        added = await notifier("watch", "add", "-", "-c", path, stdin=LINES)
        assert added.returncode == 0, added.stderr
        (file,) = (tmp_path / "watches.d").iterdir()
        assert len(tomllib.loads(file.read_text())["watches"]) == 1000

        changed = await notifier("watch", "add", "job-7", "--metadata", "user=7", "-c", path)
        assert changed.returncode == 0, changed.stderr
        entries = tomllib.loads(file.read_text())["watches"]
        assert [each for each in entries if "metadata" in each] == [
            {"video_id": "job-7", "gateway": "main", "metadata": {"user": "7"}}
        ]
        one = await notifier("watch", "remove", "job-7", "-c", path)
        assert one.returncode == 0, one.stderr
        assert len(tomllib.loads(file.read_text())["watches"]) == 999
        removed = await notifier("watch", "remove", "-", "-c", path, stdin=LINES)
        assert removed.returncode == 1
        assert 'line 8: "job-7" is not watched' in removed.stderr
        assert not file.exists()


async def test_a_thousand_ids_are_told_to_the_daemon_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")
        async with running(w.save()):
            added = await notifier("watch", "add", "-", "-c", w.config_path, stdin=LINES)
            assert (added.returncode, added.stderr) == (0, "")
            assert len(added.stdout.splitlines()) == 1000
            assert not (tmp_path / "watches.d").exists()
            removed = await notifier("watch", "remove", *IDS, "-c", w.config_path)
            assert (removed.returncode, removed.stderr) == (0, "")
            assert await listed(w.config_path) == {}


async def test_a_broken_line_is_named_and_loses_no_other(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")
        path = w.save()
        without = await notifier("watch", "add", "-", "-c", path, stdin=MIXED)
        rows = await listed(path)
        assert without.returncode == 1
        assert rows.keys() == WATCHED
        (tmp_path / "watches.d").rename(tmp_path / "gone")
        async with running(path):
            beside = await notifier("watch", "add", "-", "-c", path, stdin=MIXED)
            rows = await listed(path)
    assert beside.returncode == 1
    assert rows.keys() == WATCHED
    for done in (without, beside):
        found = errors(done.stderr)
        assert len(found) == len(ERRORS)
        assert all(line.startswith(start) for line, start in zip(found, ERRORS, strict=True))


async def test_no_lines_and_no_ids_change_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        path = w.save()
        empty = await notifier("watch", "add", "-", "-c", path, stdin="\n\n")
        assert empty.returncode == 0
        assert "stdin holds no ids" in empty.stderr
        assert (await notifier("watch", "add", "-c", path)).returncode == 2
        waiting = await notifier("watch", "add", "-", "--wait", "-c", path, stdin="a\n")
        assert waiting.returncode == 2
        assert await listed(path) == {}


async def test_what_a_file_lists_is_changed_there_also_beside_a_daemon(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")
        path = w.save()
        await notifier("watch", "add", "job", "-c", path)
        async with running(path):
            again = await notifier("watch", "add", "job", "--metadata", "user=7", "-c", path)
            assert again.returncode == 0, again.stderr
            (file,) = (tmp_path / "watches.d").iterdir()
            assert tomllib.loads(file.read_text())["watches"][0]["metadata"] == {"user": "7"}
            assert (await notifier("watch", "remove", "job", "-c", path)).returncode == 0
            assert not file.exists()
