"""`[outbound]`, `proxy` and `ca_file`: where connections may go, and how."""

from ipaddress import ip_network
from pathlib import Path

import pytest
import trustme

from notifier.config import check_certificates, resolve_secrets, warnings
from notifier.config.tls_files import TlsFiles
from tests.config.config_files import (
    ENDPOINT,
    GATEWAY,
    HOME,
    WHSEC,
    by_key,
    load_text,
    problems_of,
)


def test_by_default_nothing_is_restricted_and_there_is_no_proxy(tmp_path: Path) -> None:
    config = load_text(tmp_path, GATEWAY + ENDPOINT)
    assert (config.outbound.public_only, config.outbound.allow) == (False, ())
    assert config.gateways["main"].proxy is None
    assert config.endpoints["app"].tls == TlsFiles()


def test_ranges_of_both_families_and_single_addresses_are_allowed(tmp_path: Path) -> None:
    ranges = ["10.1.0.0/16", "10.2.3.4", "fd00:1::/32"]
    text = f"{GATEWAY}[outbound]\npublic_only = true\nallow = {ranges}"
    assert load_text(tmp_path, text).outbound.allow == tuple(map(ip_network, ranges))


@pytest.mark.parametrize("entry", ['"10.1.0.1/16"', '"ten"', "10", '""', '"10.1.0.0/33"'])
def test_what_is_no_range_is_a_problem(tmp_path: Path, entry: str) -> None:
    (problem,) = problems_of(tmp_path, f"{GATEWAY}[outbound]\nallow = [{entry}]")
    assert (problem.key, problem.message) == ("outbound.allow[0]", "must be a range of addresses")


@pytest.mark.parametrize(
    "proxy",
    ["http://127.0.0.1:3128", "https://me:p%40ss@proxy.example", "http://me:a+b@[::1]:8080/"],
)
def test_a_proxy_may_have_credentials(tmp_path: Path, proxy: str) -> None:
    config = load_text(tmp_path, f'{GATEWAY}proxy = "{proxy}"\n{ENDPOINT}proxy = "{proxy}"')
    assert config.gateways["main"].proxy is not None
    assert config.gateways["main"].proxy.reveal() == proxy


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ("socks5://127.0.0.1:1080", "must be an http or https proxy"),
        ("127.0.0.1:3128", "must be an absolute http or https URL"),
        ("http://proxy.example/path", "must have nothing behind host and port"),
        ("http://me:hunter2@", "must be an absolute http or https URL"),
        ("http://me:hunter2@proxy.example:0", "has a host or port that cannot be"),
        ("http://me:hunté@proxy.example", "must be ASCII"),
    ],
)
def test_what_is_no_proxy_is_a_problem_that_shows_no_password(
    tmp_path: Path, proxy: str, message: str
) -> None:
    (problem,) = problems_of(tmp_path, f'{GATEWAY}proxy = "{proxy}"')
    assert (problem.key, problem.message) == ("gateways.main.proxy", message)
    assert "hunt" not in str(problem)


def test_a_proxy_can_be_kept_elsewhere_like_any_secret(tmp_path: Path) -> None:
    text = GATEWAY + 'proxy = { env = "PROXY" }'
    assert resolve_secrets(load_text(tmp_path, text, {"PROXY": "http://p:1", **HOME})) == []
    assert by_key(resolve_secrets(load_text(tmp_path, text))) == {
        "gateways.main.proxy": "environment variable PROXY is not set"
    }


def test_a_ca_file_is_looked_for_beside_the_config_and_must_hold_certificates(
    tmp_path: Path,
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "good.pem"))
    (tmp_path / "bad.pem").write_text("no certificate")
    text = (
        f'{GATEWAY}ca_file = "good.pem"\n{ENDPOINT}ca_file = "bad.pem"\n'
        f'[endpoints.b]\nurl = "https://b.example"\nsecret = "{WHSEC}"\nca_file = "none.pem"\n'
    )
    assert by_key(check_certificates(load_text(tmp_path, text))) == {
        "endpoints.app.ca_file": (
            f"file {tmp_path / 'bad.pem'} holds no certificates in PEM, or a broken one"
        ),
        "endpoints.b.ca_file": f"file {tmp_path / 'none.pem'} does not exist",
    }


def test_a_url_with_an_address_that_is_refused_is_warned_about(tmp_path: Path) -> None:
    text = (
        '[gateways.main]\nbase_url = "http://169.254.169.254/v1"\n'
        f'[endpoints.app]\nurl = "http://10.0.0.1/"\nsecret = "{WHSEC}"\n'
    )
    refused = by_key(warnings(load_text(tmp_path, text)))
    assert refused["gateways.main.base_url"].endswith("it is a link-local address")
    assert "endpoints.app.url" not in refused
    strict = by_key(warnings(load_text(tmp_path, f"{text}[outbound]\npublic_only = true")))
    assert strict["endpoints.app.url"].startswith("will never be connected to: it is not a public")
