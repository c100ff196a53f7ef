"""Any content of the files gives a config or a ConfigError, which never holds a secret."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.config import Config, Secret, load, read_dropin, resolve_secrets, warnings
from notifier.config.models import EndpointTable, GatewayTable, WatchTable
from notifier.errors import ConfigError, Problem
from notifier.model.watch import Listing
from tests.config.config_files import ENDPOINT, GATEWAY, HOME, load_text, write

WORDS = st.sampled_from(["main", "app", "video.*", "5s", "slack", "http://h/v1", "queued", "."])
SCALARS = st.one_of(
    WORDS, st.text(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.booleans(), st.datetimes()
)
KEYS = st.one_of(
    st.sampled_from(
        ["env", "file", "credential", "x-a", "main", "app", "path", "level", "format"]
    ),
    st.text(max_size=20),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


def filled(model: Any) -> st.SearchStrategy[dict[str, Any]]:  # noqa: ANN401 - a model class
    """Return tables with keys of `model`, values of any kind, and now and then a stray key."""
    known = st.sampled_from(sorted(model.model_fields))
    return st.dictionaries(known | KEYS, VALUES, max_size=6)


DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "gateways": st.dictionaries(WORDS | KEYS, filled(GatewayTable), max_size=3) | VALUES,
        "endpoints": st.dictionaries(WORDS | KEYS, filled(EndpointTable), max_size=3) | VALUES,
        "watches": st.lists(filled(WatchTable), max_size=4) | VALUES,
        "watch_dir": VALUES,
        "store": VALUES,
        "log": VALUES,
        "stray": VALUES,
    },
)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return load_text(tmp_path_factory.mktemp("config"), GATEWAY + ENDPOINT)


def every_problem(path: Path) -> list[Problem]:
    try:
        config = load(path, HOME)
    except ConfigError as error:
        return error.problems
    return [*resolve_secrets(config), *warnings(config)]


@given(document=DOCUMENTS)
def test_any_document_is_a_config_or_problems_of_one_line_each(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    path = write(tmp_path_factory.getbasetemp(), tomli_w.dumps(document), "any.toml")
    assert all(str(problem).isprintable() for problem in every_problem(path))


@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_a_dropin_or_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, config: Config, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.toml"
    path.write_bytes(content)
    try:
        listed = read_dropin(path, config)
    except ConfigError:
        return
    assert isinstance(listed, Listing)


@given(document=st.fixed_dictionaries({"watches": st.lists(filled(WatchTable)) | VALUES}))
def test_any_watches_are_a_dropin_or_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, config: Config, document: dict[str, Any]
) -> None:
    path = write(tmp_path_factory.getbasetemp(), tomli_w.dumps(document), "watches.toml")
    try:
        listed = read_dropin(path, config)
    except ConfigError:
        return
    assert isinstance(listed, Listing)


CANARY = "sk-canary-7d1e"
AS_WRITTEN = st.sampled_from(
    [
        CANARY,
        f" {CANARY}",
        f"whsec_{CANARY}",
        f"https://u:{CANARY}@h/",
        f"{CANARY}\n",
        f"é{CANARY}",
    ]
)
VALUES = AS_WRITTEN.flatmap(
    lambda text: st.sampled_from([text, [text], {"x": text}, {"env": text}, {"credential": text}])
)


def keys() -> list[tuple[str, str]]:
    return [
        *(("gateways", key) for key in (*GatewayTable.model_fields, "stray")),
        *(("endpoints", key) for key in (*EndpointTable.model_fields, "stray")),
        *(("watches", key) for key in (*WatchTable.model_fields, "stray")),
        *(("", key) for key in ("gateways", "endpoints", "watches", "watch_dir", "log", "store")),
    ]


@settings(max_examples=300)
@given(at=st.sampled_from(keys()), value=VALUES)
def test_a_secret_under_any_key_is_in_no_error_and_in_no_repr(
    tmp_path_factory: pytest.TempPathFactory, at: tuple[str, str], value: object
) -> None:
    table, key = at
    document: dict[str, Any] = {
        "gateways": {"main": {"base_url": "https://gateway.example/v1"}},
        "endpoints": {"app": {"url": "https://app.example/"}},
        "watches": [{"video_id": "v", "give_up_after": "never"}],
    }
    tables = {
        "gateways": document["gateways"]["main"],
        "endpoints": document["endpoints"]["app"],
        "watches": document["watches"][0],
        "": document,
    }
    tables[table][key] = value
    path = write(tmp_path_factory.getbasetemp(), tomli_w.dumps(document), "canary.toml")
    with pytest.raises(ConfigError) as caught:
        load(path, HOME)
    assert "canary" not in str(caught.value).replace("canary.toml", "")


@pytest.mark.parametrize(
    "line",
    ["key = {c}", "{c}", '"k" = "{c}', "a = {{ {c} = 1, {c} = 2 }}", "a = [{c}]", '"{c}" = "\\q"'],
)
def test_a_secret_in_broken_toml_is_in_no_error(
    tmp_path_factory: pytest.TempPathFactory, line: str
) -> None:
    path = write(tmp_path_factory.getbasetemp(), line.format(c=CANARY), "broken.toml")
    with pytest.raises(ConfigError) as caught:
        load(path, HOME)
    assert "canary" not in str(caught.value)


def test_a_loaded_config_does_not_show_its_literal_secrets(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    text = f'{GATEWAY}api_key = "{CANARY}"\nheaders = {{ x = "{CANARY}" }}\n'
    config = load_text(tmp_path_factory.mktemp("shown"), text)
    assert isinstance(config.gateways["main"].api_key, Secret)
    assert CANARY not in repr(config)
