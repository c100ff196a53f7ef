"""Tables on a terminal: ids are whole, and what the rows are about stays readable beside them."""

import time
from collections.abc import Sequence

import pytest
from rich.progress_bar import ProgressBar
from rich.text import Text

from notifier.cli.tables import Cell, TableColumn, make_table, needed_width, print_whole

Capture = pytest.CaptureFixture[str]
COLUMNS = (
    TableColumn("Video"),
    TableColumn("Gateway", drop=2),
    TableColumn("Status", drop=1, shortest=16),
    TableColumn("Asked", drop=3),
)
ID = "video_6f3544f46dec4407721a0cd75e6a174f"
LONG = "not seen yet: not found: video_not_found"


def lines_of(rows: Sequence[tuple[str, ...]], width: int | None, capsys: Capture) -> list[str]:
    """Return the printed lines of the table; each fits into `width`."""
    table = make_table(COLUMNS, rows, width)
    print_whole(table)
    lines: list[str] = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= needed_width(table)
    return lines


def test_one_long_status_does_not_take_the_column_from_the_others(
    capsys: Capture,
) -> None:
    rows = [(ID, "main", "in_progress", "1 s ago"), ("video_x", "main", LONG, "")]
    _, first, second = lines_of(rows, 80, capsys)
    assert first.split() == [ID, "main", "in_progress", "1", "s", "ago"]
    assert "not seen yet" in second
    assert second.endswith("…")


def test_a_text_that_was_cut_takes_the_room_that_is_left(
    capsys: Capture,
) -> None:
    rows = [(ID, "main", LONG, "1 s ago")]
    *_, narrow = lines_of(rows, 75, capsys)
    *_, wide = lines_of(rows, 90, capsys)
    *_, piped = lines_of(rows, None, capsys)
    assert len(narrow) <= 75
    assert len(narrow) < len(wide) <= 90
    assert LONG in piped


def test_an_id_that_fills_the_terminal_has_the_rest_below_it(
    capsys: Capture,
) -> None:
    long_id = "video_" + "bGl0ZWxsbTpjdXN0b21f" * 8
    rows = [(ID, "main", "queued", "1 s ago"), (long_id, "main", "in_progress", "2 s ago")]
    for width in (40, 80, 120):
        lines = lines_of(rows, width, capsys)
        assert [line.strip() for line in lines[2::2]] == [ID, long_id]
        assert "queued" in lines[3]
        assert "in_progress" in lines[5]
        assert all(len(line) <= width for line in lines[1::2])


def test_an_empty_list_on_a_narrow_terminal_is_its_title(
    capsys: Capture,
) -> None:
    assert lines_of([], 6, capsys)[0].strip() == "Video"


def test_off_a_terminal_a_table_reads_as_on_a_wide_one(capsys: Capture) -> None:
    bar = ProgressBar(total=100, completed=28, width=24)
    columns = (*COLUMNS, TableColumn(""), TableColumn("Left"))
    rows: list[list[Cell]] = [
        [ID, "main", "queued", "1 s ago", bar, "~0:01:00"],
        ["视频_1", "g", Text(LONG, "red"), "", ProgressBar(total=100, completed=0, width=24), ""],
        ["a\x1b[2Jb", "[red]", "", "2 s ago", bar, ""],
    ]
    for shown in (rows, []):
        for width in (None, 1000):
            print_whole(make_table(columns, shown, width))
        piped, wide = capsys.readouterr().out.split(" Video")[1:]
        assert piped == wide


def test_thousands_of_rows_are_piped_in_a_moment(capsys: Capture) -> None:
    bar = ProgressBar(total=100, completed=28, width=24)
    rows: list[list[Cell]] = [[f"video_{number:032x}", "main", bar] for number in range(5000)]
    begin = time.process_time()
    print_whole(make_table([TableColumn(title) for title in "abc"], rows, None))
    assert time.process_time() - begin < 1.0  # 2 to 5 s if rich lays out the rows
    assert len(capsys.readouterr().out.splitlines()) == 5001
