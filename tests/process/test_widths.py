"""Tables on terminals and in pipes: ids are whole on every width, and other columns give way."""

from pathlib import Path

import pytest

from tests.process.harness import World, notifier, running, world
from tests.process.terminal import on_terminal

IDS = ["short", "video_" + "0123456789abcdef" * 4, "x" * 512]
TABLES = [("watch", "list"), ("status",), ("endpoints", "list")]


async def prepared(w: World) -> Path:
    w.endpoint(await w.receiver(), name="an-endpoint-with-quite-a-long-name")
    w.gateway(not_found_grace="1h")
    w.watch(*IDS)
    return w.save()


@pytest.mark.parametrize("columns", [20, 60, 80, 200])
async def test_ids_are_whole_on_a_terminal_of_any_width(columns: int, tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        path = await prepared(w)
        async with running(path) as daemon:
            await daemon.wait_for_log("poll", 3)
            shown = {each: await on_terminal(columns, *each, "-c", path) for each in TABLES}
    for table in TABLES[:2]:
        words = shown[table].split()
        assert set(IDS) <= set(words)
    assert "an-endpoint-with-quite-a-long-name" in shown["endpoints", "list"].split()


async def test_in_a_pipe_every_row_is_one_line_with_all_columns(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        path = await prepared(w)
        async with running(path) as daemon:
            await daemon.wait_for_log("poll", 3)
            watches = (await notifier("watch", "list", "-c", path)).stdout.splitlines()
            status = (await notifier("status", "-c", path)).stdout.splitlines()
    assert watches[0].split() == ["Video", "Gateway", "State", "Progress", "Event", "Deliveries"]
    assert [line.split()[:2] for line in watches[1:]] == [[each, "main"] for each in IDS]
    assert {line.split()[0] for line in status if "main" in line} == {"main", *IDS}


async def test_columns_give_way_by_their_priority_and_lines_fit(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.watch("video_" + "0" * 20)
        path = w.save()
        titles = {}
        for columns in (120, 60, 40, 20):
            shown = await on_terminal(columns, "watch", "list", "-c", path)
            titles[columns] = shown.splitlines()[0].split()
            if columns > 20:
                assert max(len(line) for line in shown.splitlines()) <= columns
    assert titles == {
        120: ["Video", "Gateway", "State", "Progress", "Event", "Deliveries"],
        60: ["Video", "Gateway", "State", "Progress"],
        40: ["Video", "State"],
        20: ["Video"],
    }
