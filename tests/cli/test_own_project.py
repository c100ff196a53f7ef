"""Every command that uses a store or a daemon makes sure first that it is that of its config."""

import ast
from pathlib import Path

import pytest

CLI = Path(__file__).parents[2] / "notifier" / "cli"
USES = {"ask_daemon", "ask_daemon_at", "open_reader", "Database"}


def imported(module: Path) -> set[str]:
    tree = ast.parse(module.read_text())
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in nodes for alias in node.names}


@pytest.mark.parametrize("module", sorted(CLI.glob("*.py")), ids=lambda module: module.stem)
def test_a_command_that_uses_state_loads_its_config_as_a_project(module: Path) -> None:
    names = imported(module)
    checked = "find_project" in names or "load_config" not in names
    assert checked or not names & USES, "use find_project or load_project"
