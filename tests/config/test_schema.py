"""The schema for editors has every key, and accepts and refuses what the daemon does."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from notifier.config import load
from notifier.config.schema import config_schema, schema_text
from notifier.errors import ConfigError
from tests.config.config_files import ENDPOINT, GATEWAY, HOME, WHSEC, write
from tests.config.test_example import EXAMPLE, as_it_is, with_every_setting

KEPT = EXAMPLE.with_name("config.schema.json")
SLACK = '[endpoints.team]\nformat = "slack"\nurl = "https://hooks.example/a"\n'
VALIDATOR = Draft7Validator(config_schema())


def is_taken(text: str) -> bool:
    return bool(VALIDATOR.is_valid(tomllib.loads(text)))


def test_the_copy_in_the_repository_is_up_to_date() -> None:
    assert KEPT.read_text(encoding="utf-8") == schema_text(), (
        "run: notifier schema > config.schema.json"
    )


def test_it_is_a_schema_itself() -> None:
    Draft7Validator.check_schema(config_schema())


def test_the_example_names_it_in_its_first_line() -> None:
    assert as_it_is().splitlines()[0] == f"#:schema ./{KEPT.name}"


@pytest.mark.parametrize("text", [as_it_is, with_every_setting])
def test_it_takes_the_example(text: Callable[[], str]) -> None:
    assert is_taken(text())


def test_every_table_is_closed_and_every_key_is_explained() -> None:
    definitions = config_schema()["$defs"]
    assert {"GatewayTable", "EndpointTable", "WatchTable"} <= set(definitions)
    for table in definitions.values():
        assert table["additionalProperties"] is False
        for key in table["properties"].values():
            assert key["description"]


def test_defaults_are_written_as_people_write_them() -> None:
    endpoint = config_schema()["$defs"]["EndpointTable"]["properties"]
    assert endpoint["timeout"]["default"] == "15s"
    assert endpoint["retry_schedule"]["default"][:3] == ["5s", "5m", "30m"]
    assert "default" not in endpoint["proxy"]


@pytest.mark.parametrize(
    "text",
    [
        GATEWAY,
        GATEWAY + "poll_interval = 7.5",
        GATEWAY + 'poll_interval = "250ms"',
        GATEWAY + "max_requests_per_second = 3",
        GATEWAY + 'api_key = { file = "/run/key" }',
        GATEWAY + 'headers = { "X-Key" = { credential = "key" }, accept = "a, b" }',
        GATEWAY + 'status_words = { DONE = "completed" }',
        GATEWAY + 'proxy = "http://user:p%40ss@proxy.example:3128/"',
        GATEWAY.replace("https://gateway.example/v1", "HTTP://[::1]:8080/v1/"),
        GATEWAY + ENDPOINT + 'events = ["video.*", "endpoint.disabled", "video.[cf]*"]',
        GATEWAY + ENDPOINT.replace("/hook", "?to=a@b"),
        GATEWAY + ENDPOINT.replace(f'"{WHSEC}"', f'["{WHSEC}", {{ env = "OLD" }}]'),
        GATEWAY + SLACK,
        GATEWAY + '[outbound]\nallow = ["10.1.0.0/16", "10.1.2.3", "fd00::/8"]',
        GATEWAY + '[[watches]]\nvideo_id = "a/b c"\nmetadata = { a = "b" }',
    ],
)
def test_it_takes_what_the_daemon_takes(tmp_path: Path, text: str) -> None:
    load(write(tmp_path, text), HOME)
    assert is_taken(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        GATEWAY + "poll_intervall = 3",
        GATEWAY + "poll_interval = true",
        GATEWAY + 'poll_interval = "1h30m"',
        GATEWAY + "poll_interval = 0.01",
        GATEWAY + "max_requests_per_second = 0",
        GATEWAY + 'rewrites_ids = "yes"',
        GATEWAY + "list_videos = true",
        GATEWAY + 'status_words = { DONE = "done" }',
        GATEWAY + 'api_key = { env = "GATEWAY", file = "/key" }',
        GATEWAY + 'api_key = { environment = "GATEWAY" }',
        GATEWAY + 'api_key = "a key"',
        GATEWAY + 'headers = { "a b" = "c" }',
        GATEWAY + 'proxy = "socks5://127.0.0.1"',
        GATEWAY.replace("https:", "ftp:"),
        GATEWAY.replace("/v1", "/v1#"),
        GATEWAY.replace("https://", "https://user:password@"),
        GATEWAY.replace("gateways.main", "gateways.-main"),
        "[gateways.main]\n",
        GATEWAY + ENDPOINT.replace("secret", "#"),
        GATEWAY + ENDPOINT.replace("whsec_", ""),
        GATEWAY + ENDPOINT + 'events = ["video.finished"]',
        GATEWAY + ENDPOINT + "events = []",
        GATEWAY + ENDPOINT + "max_concurrency = 2.5",
        GATEWAY + ENDPOINT + "retry_schedule = [5, true]",
        GATEWAY + SLACK + f'secret = "{WHSEC}"',
        GATEWAY + "[[watches]]\nmetadata = {}",
        GATEWAY + '[[watches]]\nvideo_id = "."',
        GATEWAY + '[outbound]\nallow = ["intranet"]',
        GATEWAY + '[log]\nlevel = "loud"',
        GATEWAY + '[logs]\nlevel = "info"',
    ],
)
def test_it_refuses_what_the_daemon_refuses(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        load(write(tmp_path, text), HOME)
    assert not is_taken(text)
