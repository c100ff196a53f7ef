from pathlib import Path

import pytest

from notifier.config import Config, load
from notifier.config.outline import read_outline
from notifier.config.paths import no_store
from notifier.errors import ConfigError
from notifier.model.delivery import Format
from notifier.model.status import Status
from notifier.model.watch import WatchKey, WatchSpec
from tests.config.config_files import ENDPOINT, GATEWAY, HOME, WHSEC, load_text, write


def test_the_smallest_config_is_one_gateway(tmp_path: Path) -> None:
    config = load_text(tmp_path, GATEWAY)
    assert list(config.gateways) == ["main"]
    assert not config.endpoints
    assert config.listing.source == "config"
    assert config.listing.specs == ()


def test_a_gateway_has_the_defaults_of_the_documentation(tmp_path: Path) -> None:
    gateway = load_text(tmp_path, GATEWAY).gateways["main"]
    assert gateway.name == "main"
    assert gateway.api_key is None
    assert (gateway.poll_interval, gateway.min_poll_interval) == (20, 5)
    assert (gateway.request_timeout, gateway.max_requests_per_second) == (30, 10)
    assert (gateway.give_up_after, gateway.not_found_grace) == (86400, 120)
    assert (gateway.headers, gateway.status_words, gateway.rewrites_ids) == ({}, {}, False)
    assert gateway.list_videos == "auto"


def test_an_endpoint_has_the_defaults_of_the_documentation(tmp_path: Path) -> None:
    endpoint = load_text(tmp_path, GATEWAY + ENDPOINT).endpoints["app"]
    assert endpoint.name == "app"
    assert endpoint.url.reveal() == "https://app.example/hook"
    assert endpoint.format is Format.STANDARD
    assert [secret.reveal() for secret in endpoint.secrets] == [WHSEC]
    assert endpoint.events == ("video.*",)
    assert (endpoint.timeout, endpoint.max_concurrency, endpoint.headers) == (15, 4, {})
    hours = [wait / 3600 for wait in endpoint.retry_schedule]
    assert hours == [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24]


def test_other_defaults_follow_the_file(tmp_path: Path) -> None:
    config = load_text(tmp_path, GATEWAY)
    assert config.path == tmp_path / "config.toml"
    assert config.watch_dir == tmp_path / "watches.d"
    assert config.store_path.parent.parent == Path("/home/somebody/.local/state/notifier")
    assert config.store_path.parent.name.startswith(f"{tmp_path.name}-")
    assert config.http.socket.parent == config.store_path.parent
    assert (config.log_level, config.log_format) == ("info", "auto")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("web-1.example", "web-1.example"),
        ("-a_b c", "a_b-c"),
        ("主机", "host"),
        ("x" * 70, "x" * 64),
    ],
)
def test_an_instance_has_the_name_of_its_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, name: str
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    config = load_text(tmp_path, f"store.url = 'postgresql://db/n'\n{GATEWAY}")
    assert (config.cluster.instance, config.cluster.lease) == (name, 15.0)


def test_what_waits_for_the_database_is_told_the_lease_time(tmp_path: Path) -> None:
    text = f"store.url = 'postgresql://db/n'\ncluster.lease = '1m'\n{GATEWAY}"
    assert load_text(tmp_path, text).store.lease == 60.0
    outline = read_outline(tmp_path / "config.toml", HOME, no_store)
    assert outline is not None
    assert outline.store.lease == 60.0


def test_paths_start_at_the_folder_of_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 'watch_dir = "w"\n[store]\npath = "s/n.db"\n' + GATEWAY)
    monkeypatch.chdir(tmp_path)
    config = load(Path("config.toml"), {})
    assert config.path == tmp_path / "config.toml"
    assert config.watch_dir == tmp_path / "w"
    assert config.store_path == tmp_path / "s" / "n.db"


def test_every_gateway_key_is_taken_over(tmp_path: Path) -> None:
    keys = """
        api_key = { env = "KEY" }
        headers = { X-Team = "video", "api-key" = { env = "KEY" } }
        poll_interval = "10s"
        min_poll_interval = 1
        max_requests_per_second = 0.5
        request_timeout = "1m"
        give_up_after = "2h"
        not_found_grace = "30s"
        status_words = { "In-Review" = "in_progress", DONE = "completed" }
        rewrites_ids = true
        list_videos = "never"
    """
    gateway = load_text(tmp_path, GATEWAY + keys, {"KEY": "sk-1", **HOME}).gateways["main"]
    assert gateway.api_key is not None
    assert gateway.api_key.reveal() == "sk-1"
    sent = {name: value.reveal() for name, value in gateway.headers.items()}
    assert sent == {"x-team": "video", "api-key": "sk-1"}
    assert (gateway.poll_interval, gateway.min_poll_interval) == (10, 1)
    assert (gateway.request_timeout, gateway.max_requests_per_second) == (60, 0.5)
    assert (gateway.give_up_after, gateway.not_found_grace) == (7200, 30)
    words = {"in_review": Status.IN_PROGRESS, "done": Status.COMPLETED}
    assert gateway.status_words == words
    assert gateway.rewrites_ids
    assert gateway.list_videos == "never"


def test_a_short_poll_interval_lowers_the_default_minimum(tmp_path: Path) -> None:
    gateway = load_text(tmp_path, GATEWAY + 'poll_interval = "2s"').gateways["main"]
    assert gateway.min_poll_interval == 2


def test_slack_needs_no_secret_and_its_url_may_be_one(tmp_path: Path) -> None:
    slack = '[endpoints.chat]\nformat = "slack"\nurl = { env = "SLACK" }'
    endpoint = load_text(tmp_path, GATEWAY + slack).endpoints["chat"]
    assert endpoint.format is Format.SLACK
    assert endpoint.secrets == ()
    assert not endpoint.url.is_literal


def test_a_list_of_secrets_is_for_rotation(tmp_path: Path) -> None:
    both = f'[endpoints.app]\nurl = "http://[::1]:9/"\nsecret = ["{WHSEC}", {{ env = "NEW" }}]'
    endpoint = load_text(tmp_path, GATEWAY + both).endpoints["app"]
    assert [secret.is_literal for secret in endpoint.secrets] == [True, False]


def test_loading_looks_up_no_secret(tmp_path: Path) -> None:
    keys = 'api_key = { file = "not-there" }'
    assert load_text(tmp_path, GATEWAY + keys).gateways["main"].api_key is not None


@pytest.mark.parametrize("base_url", ["http://h/v1/?a=b", "http://h/v1?a=b"])
def test_a_base_url_keeps_its_query(tmp_path: Path, base_url: str) -> None:
    config = load_text(tmp_path, f'[gateways.a]\nbase_url = "{base_url}"')
    assert config.gateways["a"].base_url == "http://h/v1?a=b"


def test_fields_that_receivers_do_not_get_are_file_paths_unless_the_config_says_so(
    tmp_path: Path,
) -> None:
    gateway = '[gateways.a]\nbase_url = "http://h/v1"\n'
    assert load_text(tmp_path, gateway).gateways["a"].hide_fields == ("file_path", "*_path")
    other = load_text(tmp_path, gateway + 'hide_fields = ["prompt"]')
    assert other.gateways["a"].hide_fields == ("prompt",)


@pytest.mark.parametrize(
    "base_url", ["http://h/v1/", "http://h/v1", "http://h/v1//", "http://h/v1?"]
)
def test_a_base_url_loses_its_trailing_slash(tmp_path: Path, base_url: str) -> None:
    config = load_text(tmp_path, f'[gateways.a]\nbase_url = "{base_url}"')
    assert config.gateways["a"].base_url == "http://h/v1"


def test_a_watch_may_leave_out_the_only_gateway(tmp_path: Path) -> None:
    config = load_text(tmp_path, f'{GATEWAY}[[watches]]\nvideo_id = "v 1/ü"')
    assert config.listing.specs == (WatchSpec(WatchKey("main", "v 1/ü")),)


def test_every_watch_key_is_taken_over(tmp_path: Path) -> None:
    watch = """[[watches]]
        video_id = "v1"
        gateway = "main"
        endpoints = ["app"]
        metadata = { order = "12" }
        give_up_after = "1h"
        generation = 3
    """
    config = load_text(tmp_path, GATEWAY + ENDPOINT + watch)
    spec = WatchSpec(WatchKey("main", "v1"), ("app",), {"order": "12"}, 3600, 3)
    assert config.listing.specs == (spec,)


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    config = load_text(tmp_path, GATEWAY)
    with pytest.raises(TypeError):
        config.gateways["other"] = config.gateways["main"]  # type: ignore[index]  # the point


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert isinstance(load_text(tmp_path, f"\N{ZERO WIDTH NO-BREAK SPACE}{GATEWAY}"), Config)


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, HOME)
    (problem,) = caught.value.problems
    assert problem.where == str(path)
    assert problem.key == ""
    return problem.message


def test_a_missing_file_is_one_problem(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.toml") == "does not exist"


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "cannot be read: Is a directory"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = 1\nb = \xff", "is not valid UTF-8 (line 2)"),
        (b"a = 1\nb = sk-canary", "is not valid TOML: line 2, column 5: invalid value"),
        (b"a = [", "is not valid TOML: end of document"),
        (b"a = {k=1, k=2}", "is not valid TOML: line 1, column "),
        (b"a = " + b"[" * 9000, "is not valid TOML: a value is too large or nested too deeply"),
        (b"a = " + b"9" * 9000, "is not valid TOML: a value is too large or nested too deeply"),
    ],
)
def test_a_file_that_is_no_toml_is_one_problem_with_its_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    assert refusal(path).startswith(message)
    assert "k" not in refusal(path).removeprefix(message)
