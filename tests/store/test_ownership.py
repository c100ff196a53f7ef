"""Which config a store belongs to, and what commands with another config are told."""

from pathlib import Path

import pytest

from notifier.errors import StoreRefusedError
from notifier.store import (
    Database,
    record_signers,
    recorded_config,
    recorded_signers,
    refuse_foreign,
)


def new_store(folder: Path, config: Path) -> Path:
    path = folder / "n.db"
    config.parent.mkdir(exist_ok=True)
    config.touch()
    Database.open(path, config).close()
    return path


def test_a_store_knows_its_config_and_the_signers_of_its_project(tmp_path: Path) -> None:
    config = tmp_path / "one" / "config.toml"
    path = new_store(tmp_path, config)
    assert recorded_config(path) == config
    assert recorded_signers(path) == frozenset()
    database = Database.open(path, config)
    database.transact(record_signers, {"b", "a"})
    database.close()
    assert recorded_signers(path) == {"a", "b"}


@pytest.mark.parametrize("content", [None, b"", b"not a database", b"x" * 5000])
def test_what_is_no_store_belongs_to_nobody(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "n.db"
    if content is not None:
        path.write_bytes(content)
    assert recorded_config(path) is None
    refuse_foreign(path, tmp_path / "config.toml")


def test_the_same_config_by_another_path_is_not_another_config(tmp_path: Path) -> None:
    config = tmp_path / "one" / "config.toml"
    path = new_store(tmp_path, config)
    (tmp_path / "link").symlink_to(config.parent)
    for same in (config, tmp_path / "one/../one/config.toml", tmp_path / "link" / "config.toml"):
        refuse_foreign(path, same)


def test_another_config_is_refused_and_told_whose_store_it_is(tmp_path: Path) -> None:
    config, other = tmp_path / "one" / "config.toml", tmp_path / "config.toml"
    path = new_store(tmp_path, config)
    other.touch()
    with pytest.raises(StoreRefusedError, match=f"holds the state of {config}") as refused:
        refuse_foreign(path, other)
    assert f"use -c {config}" in str(refused.value)
    assert refused.value.exit_code == 78


def test_a_config_that_is_gone_was_perhaps_moved(tmp_path: Path) -> None:
    config = tmp_path / "one" / "config.toml"
    path = new_store(tmp_path, config)
    config.unlink()
    with pytest.raises(StoreRefusedError, match="notifier run --adopt -c"):
        refuse_foreign(path, tmp_path / "config.toml")
