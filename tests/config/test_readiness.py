from pathlib import Path

import pytest

from notifier.config import Config, resolve_secrets, warnings
from tests.config.config_files import (
    ENDPOINT,
    GATEWAY,
    HOME,
    WHSEC,
    by_key,
    load_text,
    problems_of,
)

SECRETS = """
    [gateways.main]
    base_url = "https://gateway.example/v1"
    api_key = { env = "KEY" }
    headers = { X-Team = { env = "TEAM" } }
    [endpoints.app]
    url = { env = "URL" }
    secret = [{ env = "OLD" }, { file = "new" }]
    [endpoints.other]
    url = "http://127.0.0.1:9000/"
    secret = { env = "OLD" }
"""
GOOD = {"KEY": "sk-1", "TEAM": "video", "URL": "https://app.example/x?y=z", "OLD": WHSEC, **HOME}
BAD = {"KEY": "sk 1", "TEAM": "a\nb", "URL": "app.example", "OLD": "hunter2", **HOME}


def test_secrets_that_are_there_and_good_are_no_problem(tmp_path: Path) -> None:
    (tmp_path / "new").write_text(f"{WHSEC}\n")
    assert resolve_secrets(load_text(tmp_path, SECRETS, GOOD)) == []


def test_every_secret_that_is_missing_is_named_with_its_key_path(tmp_path: Path) -> None:
    assert by_key(resolve_secrets(load_text(tmp_path, SECRETS))) == {
        "gateways.main.api_key": "environment variable KEY is not set",
        "gateways.main.headers.x-team": "environment variable TEAM is not set",
        "endpoints.app.url": "environment variable URL is not set",
        "endpoints.app.secret[0]": "environment variable OLD is not set",
        "endpoints.app.secret[1]": f"file {tmp_path / 'new'} does not exist",
        "endpoints.other.secret": "environment variable OLD is not set",
    }


def test_every_secret_that_cannot_be_used_is_explained_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("whsec_AAAA")
    problems = resolve_secrets(load_text(tmp_path, SECRETS, BAD))
    assert len(problems) == 6
    message = by_key(problems)["endpoints.app.url"]
    assert message.endswith("environment variable URL must be an absolute http or https URL")
    shown = "\n".join(map(str, problems))
    assert not any(secret in shown for secret in (*BAD.values(), "whsec_AAAA"))


def warned(config: Config) -> dict[str, str]:
    return by_key(warnings(config))


def gateway(base_url: str, more: str = 'api_key = { env = "KEY" }') -> str:
    return f'[gateways.main]\nbase_url = "{base_url}"\n{more}\n'


def test_a_sound_config_gets_no_warning(tmp_path: Path) -> None:
    assert warned(load_text(tmp_path, GATEWAY + ENDPOINT)) == {}


def test_a_config_without_endpoints_gets_a_warning(tmp_path: Path) -> None:
    assert "endpoints" in warned(load_text(tmp_path, GATEWAY))


def test_pass_through_beyond_loopback_needs_a_token_and_gets_a_warning(tmp_path: Path) -> None:
    sound = GATEWAY + ENDPOINT
    for listen in ("0.0.0.0:8788", "[::]:8788", "192.0.2.1:8788"):
        text = f'{sound}[passthrough]\nlisten = "{listen}"\n'
        assert list(by_key(problems_of(tmp_path, text))) == ["passthrough.token"]
        config = load_text(tmp_path, f'{text}token = {{ env = "TOKEN" }}\n')
        assert list(warned(config)) == ["passthrough.listen"]
    for listen in ("127.0.0.1:8788", "[::1]:8788"):
        assert warned(load_text(tmp_path, f'{sound}[passthrough]\nlisten = "{listen}"\n')) == {}


@pytest.mark.parametrize(
    "host", ["gateway.example", "10.0.0.1", "[fd00::1]:8080", "localhost.evil"]
)
def test_a_key_over_plain_http_gets_a_warning(tmp_path: Path, host: str) -> None:
    config = load_text(tmp_path, gateway(f"http://{host}/v1") + ENDPOINT)
    assert warned(config) == {
        "gateways.main.base_url": "sends secrets unencrypted over the network"
    }


@pytest.mark.parametrize(
    "base_url",
    [
        "https://gateway.example/v1",
        "http://localhost:8080/v1",
        "http://LOCALHOST/v1",
        "http://a.localhost/v1",
        "http://127.0.0.2/v1",
        "http://[::1]:8080/v1",
    ],
)
def test_a_key_that_stays_private_gets_no_warning(tmp_path: Path, base_url: str) -> None:
    assert warned(load_text(tmp_path, gateway(base_url) + ENDPOINT)) == {}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ('headers = { api-key = { env = "KEY" } }', True),
        ('headers = { Authorization = "Basic x" }', True),
        ('headers = { X-Team = "video" }', False),
    ],
)
def test_a_header_may_be_a_key_too(tmp_path: Path, headers: str, *, expected: bool) -> None:
    config = load_text(tmp_path, gateway("http://gateway.example/v1", headers) + ENDPOINT)
    assert bool(warned(config)) is expected


def test_a_base_url_without_v1_gets_a_warning(tmp_path: Path) -> None:
    config = load_text(tmp_path, gateway("https://gateway.example") + ENDPOINT)
    assert warned(config) == {"gateways.main.base_url": "does not end in /v1"}


def test_a_secret_file_that_everybody_can_read_gets_a_warning(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-1")
    text = gateway("https://gateway.example/v1", 'api_key = { file = "key" }') + ENDPOINT
    key.chmod(0o644)
    expected = f"file {key} can be read by everybody on this machine"
    assert warned(load_text(tmp_path, text)) == {"gateways.main.api_key": expected}
    key.chmod(0o640)
    assert warned(load_text(tmp_path, text)) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GATEWAY + ENDPOINT, True),
        (gateway("https://h/v1", 'api_key = "sk-1"') + "[endpoints]", True),
        (GATEWAY + '[endpoints.chat]\nformat = "slack"\nurl = "https://h/x"', True),
        (GATEWAY + '[endpoints.chat]\nformat = "slack"\nurl = { env = "URL" }', False),
    ],
)
def test_a_config_with_secrets_in_it_should_be_private(
    tmp_path: Path, text: str, *, expected: bool
) -> None:
    config = load_text(tmp_path, text)
    config.path.chmod(0o644)
    assert ("" in warned(config)) is expected


def test_what_is_added_to_a_base_url_anyway_gets_a_warning(tmp_path: Path) -> None:
    config = load_text(tmp_path, gateway("https://gateway.example/v1/videos") + ENDPOINT)
    (warning,) = [each for each in warnings(config) if each.key.endswith("base_url")]
    assert "leave it out" in warning.hint


@pytest.mark.parametrize("written", ["$GATEWAY_KEY", "${GATEWAY_KEY}"])
def test_a_variable_that_only_a_shell_would_expand_gets_a_warning(
    tmp_path: Path, written: str
) -> None:
    key = f'api_key = "{written}"'
    config = load_text(tmp_path, gateway("https://gateway.example/v1", key) + ENDPOINT)
    (warning,) = [each for each in warnings(config) if each.key.endswith("api_key")]
    assert warning.hint == 'write { env = "GATEWAY_KEY" }'
