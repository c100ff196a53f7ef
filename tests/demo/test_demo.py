"""The demo: it never fails, and what it prints can be read anywhere."""

from io import StringIO

import pytest
from rich.console import Console

from notifier.demo import runner
from notifier.demo.screen import Screen, print_line
from notifier.errors import NotifierError, StoreRefusedError
from tests.demo.many import run_demos

ENDINGS = ("completed", "failed", "cancelled", "lost", "timed_out")


def test_demos_side_by_side_on_a_busy_machine_all_end_well() -> None:
    for code, output in run_demos(beside=4, busy=1):
        assert code == 0, output
        for ending in ENDINGS:
            assert f"video.{ending}" in output
        assert "on purpose" in output
        assert "in Slack" in output
        assert "All arrived" in output
        # piped: each event in a line of its own, and the last sentence in one
        events = [line for line in output.splitlines() if "→" in line]
        assert len(events) >= 18
        assert all(line.endswith(("verified", "it will come again")) for line in events)
        assert output.rstrip().splitlines()[-1].startswith("All arrived: 6 jobs, ")


@pytest.mark.parametrize("width", [30, 48, 60, 80, 200])
def test_a_narrow_terminal_never_splits_an_id_or_a_part_of_a_sentence(width: int) -> None:
    file = StringIO()
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    note = "answered 500 on purpose; it will come again"
    Screen(console).event("flaky", "video.completed", "cat-on-a-motorcycle", note)
    lines = file.getvalue().splitlines()
    assert any("cat-on-a-motorcycle" in line for line in lines)
    assert any(line.endswith(note) for line in lines)
    assert all(len(line) <= max(width, len(note) + 4) for line in lines)


@pytest.mark.parametrize("width", [20, 80])
def test_what_is_piped_is_one_line_a_sentence(width: int) -> None:
    file = StringIO()
    console = Console(file=file, width=width)
    print_line(console, "All arrived:", "6 jobs,", "12 signed events verified and so on " * 5)
    assert file.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [
        StoreRefusedError("the store is not usable"),
        OSError(28, "No space left on device"),
        ValueError("a bug"),
    ],
)
def test_whatever_goes_wrong_is_one_sentence(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(runner, "run_daemon", fail)
    with pytest.raises(NotifierError, match=str(error.args[-1])) as raised:
        runner.run_demo(Console(file=StringIO()))
    assert raised.value.__suppress_context__
    assert "\n" not in str(raised.value)
