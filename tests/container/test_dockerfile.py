"""What a linter of Dockerfiles would ask, and each build step run without a builder."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.container.dockerfile import CHECKOUT, instructions, stages, texts

PATIENCE = 600.0


def test_it_has_a_build_stage_and_a_final_stage_from_the_same_slim_and_tagged_image() -> None:
    first = next(iter(instructions()))
    assert first.word == "ARG"
    assert re.fullmatch(r"PYTHON=docker\.io/library/python:3\.\d+-slim", first.text)
    build, final = stages()
    assert build[0].text == "${PYTHON} AS build"
    assert final[0].text == "${PYTHON}"


def test_the_final_stage_drops_all_rights_and_can_be_stopped_and_checked() -> None:
    final = stages()[-1]
    (user,) = texts(final, "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "a number: Kubernetes checks runAsNonRoot"
    after = [each.word for each in final].index("USER")
    assert not {"RUN", "COPY", "ADD"} & {each.word for each in final[after:]}
    assert list(texts(final, "STOPSIGNAL")) == ["SIGTERM"]
    (check,) = texts(final, "HEALTHCHECK")
    assert check.endswith('CMD ["notifier", "health"]')


def test_entrypoint_and_command_are_lists_so_that_notifier_is_process_1() -> None:
    final = stages()[-1]
    assert [json.loads(text) for text in texts(final, "ENTRYPOINT")] == [["notifier"]]
    assert [json.loads(text) for text in texts(final, "CMD")] == [["run"]]


def test_steps_leave_no_cache_use_absolute_folders_and_never_add_from_the_network() -> None:
    for each in instructions():
        assert each.word != "ADD"
        if each.word == "WORKDIR":
            assert each.text.startswith("/")
        if each.word == "RUN":
            assert "sudo" not in each.text
            assert ("pip install" in each.text) <= ("--no-cache-dir" in each.text)


def test_no_secret_is_copied_or_set() -> None:
    for each in instructions():
        if each.word in {"ENV", "ARG", "COPY"}:
            assert not re.search(r"secret|token|password|api_key|whsec_", each.text, re.IGNORECASE)


def test_the_build_context_is_exactly_what_is_copied() -> None:
    ignored = (CHECKOUT / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {name for text in texts(stages()[0], "COPY") for name in text.split()[:-1]}
    assert ignored[1] == "*"
    assert sent == copied
    assert all((CHECKOUT / name).exists() for name in copied)


def test_every_step_of_the_build_stage_runs_without_a_builder(tmp_path: Path) -> None:
    """For machines with no builder: folders below `tmp_path` stand in for the image's."""
    work, program = tmp_path / "src", tmp_path / "opt/notifier"
    work.mkdir()
    arguments: dict[str, str] = {}
    for each in stages()[0][1:]:
        if each.word == "ARG":
            name, default = each.text.split("=", 1)
            arguments[name] = default.strip('"')
        elif each.word == "COPY":
            *names, target = each.text.split()
            for name in names:
                copy(CHECKOUT / name, work / target / (name if target == "./" else ""))
        elif each.word == "RUN":
            run(
                "sh",
                "-euc",
                each.text.replace("/opt/notifier", str(program)),
                cwd=work,
                **arguments,
            )
    (entrypoint,) = (json.loads(text) for text in texts(stages()[-1], "ENTRYPOINT"))
    shown = run(str(program / "bin" / entrypoint[0]), "--version", cwd=tmp_path)
    assert shown.startswith("notifier ")


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def run(*command: str, cwd: Path, **variables: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    if done.returncode != 0 and "No matching distribution" in done.stderr:
        pytest.skip(f"no package index can be reached from here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
