"""`config.example.toml` lists every key with its default."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from notifier.config import Config
from notifier.config.models import (
    ArchiveTable,
    ClusterTable,
    Document,
    EndpointTable,
    GatewayTable,
    HttpTable,
    LogTable,
    OutboundTable,
    PassthroughTable,
    StoreTable,
    Table,
    WatchTable,
)
from notifier.config.tls_files import TlsFiles
from tests.config.config_files import load_text

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
ALTERNATIVES: Mapping[type[Table], tuple[str, ...]] = {
    StoreTable: ("url",),
    ClusterTable: ("instance", "lease"),
}
ENV = {"STATE_DIRECTORY": "/var/lib/notifier"}


def as_it_is() -> str:
    return EXAMPLE.read_text(encoding="utf-8")


def with_every_setting() -> str:
    return re.sub(r"^#(?![ :]|$)", "", as_it_is(), flags=re.MULTILINE)


def tables(raw: Mapping[str, Any]) -> Iterator[tuple[type[Table], Mapping[str, Any]]]:
    yield Document, raw
    yield GatewayTable, raw["gateways"]["main"]
    yield EndpointTable, raw["endpoints"]["app"]
    yield WatchTable, raw["watches"][0]
    yield OutboundTable, raw["outbound"]
    yield StoreTable, raw["store"]
    yield ClusterTable, raw["cluster"]
    yield ArchiveTable, raw["archive"]
    yield LogTable, raw["log"]
    yield HttpTable, raw["http"]
    yield PassthroughTable, raw["passthrough"]


def test_it_loads_as_it_is(tmp_path: Path) -> None:
    assert isinstance(load_text(tmp_path, as_it_is()), Config)


def test_it_has_every_key_and_no_other() -> None:
    for model, table in tables(tomllib.loads(with_every_setting())):
        assert {*table, *ALTERNATIVES.get(model, ())} == set(model.model_fields)


def test_what_cannot_stand_beside_another_key_is_shown_as_a_comment() -> None:
    for key in (key for keys in ALTERNATIVES.values() for key in keys):
        assert f"\n# {key} = " in as_it_is()


def test_the_settings_it_shows_are_the_defaults(tmp_path: Path) -> None:
    plain = load_text(tmp_path, as_it_is(), ENV)
    full = load_text(tmp_path, with_every_setting(), ENV)
    # for these there is no default to show
    gateways = full.gateways.values()
    assert [
        replace(each, proxy=None, tls=TlsFiles(), discover_since=None, expiry_notice=None)
        for each in gateways
    ] == [*plain.gateways.values()]
    endpoints = full.endpoints.values()
    assert [replace(each, proxy=None, tls=TlsFiles(), template=None) for each in endpoints] == [
        *plain.endpoints.values()
    ]
    assert full.outbound == plain.outbound
    assert full.watch_dir == plain.watch_dir
    assert full.store_path == plain.store_path
    assert replace(full.archive, keep=None, url_prefix=None) == plain.archive
    assert full.retention == plain.retention == 30 * 86_400
    assert (full.log_level, full.log_format) == (plain.log_level, plain.log_format)


@pytest.mark.parametrize(
    "key", ["base_url", "poll_interval", "retry_schedule", "video_id", "path"]
)
def test_each_key_has_its_reason_on_the_line_before(key: str) -> None:
    lines = as_it_is().splitlines()
    (index,) = (i for i, line in enumerate(lines) if re.match(rf"#?{key} =", line))
    assert lines[index - 1].startswith("# ")
