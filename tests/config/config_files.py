"""Helpers that write a config to a folder, load it, or return its problems."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from notifier.config import Config, load
from notifier.errors import ConfigError, Problem

WHSEC = "whsec_" + "QUJD" * 11
GATEWAY = '[gateways.main]\nbase_url = "https://gateway.example/v1"\n'
ENDPOINT = f'[endpoints.app]\nurl = "https://app.example/hook"\nsecret = "{WHSEC}"\n'
HOME = {"HOME": "/home/somebody"}


def write(folder: Path, text: str, name: str = "config.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def load_text(folder: Path, text: str, env: Mapping[str, str] = HOME) -> Config:
    return load(write(folder, text), env)


def problems_of(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load_text(folder, text)
    return caught.value.problems


def by_key(problems: list[Problem]) -> dict[str, str]:
    return {problem.key: problem.message for problem in problems}
