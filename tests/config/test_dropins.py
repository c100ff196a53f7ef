from pathlib import Path
from time import process_time

import pytest

from notifier.config import Config, check_watch, read_dropin
from notifier.errors import ConfigError
from notifier.model.watch import Listing, WatchKey, WatchSpec
from tests.config.config_files import ENDPOINT, GATEWAY, by_key, load_text, write


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_text(tmp_path, GATEWAY + ENDPOINT)


def problems_in(path: Path, config: Config) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        read_dropin(path, config)
    assert {problem.where for problem in caught.value.problems} == {str(path)}
    return by_key(caught.value.problems)


def test_a_dropin_lists_watches_under_its_own_name(tmp_path: Path, config: Config) -> None:
    path = write(tmp_path, '[[watches]]\nvideo_id = "v"\nendpoints = ["app"]', "v.toml")
    expected = WatchSpec(WatchKey("main", "v"), endpoints=("app",))
    assert read_dropin(path, config) == Listing("v.toml", (expected,))


def test_a_dropin_without_watches_lists_nothing(tmp_path: Path, config: Config) -> None:
    assert read_dropin(write(tmp_path, "# none\n", "v.toml"), config).specs == ()


def test_a_dropin_without_a_single_byte_is_broken(tmp_path: Path, config: Config) -> None:
    """It is about to be written, which is not the same as listing nothing."""
    with pytest.raises(ConfigError, match="is empty"):
        read_dropin(write(tmp_path, "", "v.toml"), config)


def test_a_dropin_holds_nothing_but_watches(tmp_path: Path, config: Config) -> None:
    path = write(tmp_path, GATEWAY, "v.toml")
    assert problems_in(path, config) == {"gateways": "unknown key"}


def test_everything_wrong_with_a_dropin_is_listed_at_once(tmp_path: Path, config: Config) -> None:
    text = '[[watches]]\nvideo_id = 3\ngateway = "x"\n[[watches]]\nvideo_id = "v"\nfoo = 1'
    assert problems_in(write(tmp_path, text, "v.toml"), config) == {
        "watches[0].video_id": "must be text",
        "watches[0].gateway": "is not the name of a gateway",
        "watches[1].foo": "unknown key",
    }


def test_a_dropin_that_contradicts_itself_is_refused(tmp_path: Path, config: Config) -> None:
    text = 'watches = [{ video_id = "v" }, { video_id = "v", give_up_after = 9 }]'
    message = "lists the same video as watches[0] with other settings"
    assert problems_in(write(tmp_path, text, "v.toml"), config) == {"watches[1]": message}


HOSTILE = {
    "a dotted key": "a." * 1_000_000 + "a=1",
    "a table header": "[" + "a." * 1_000_000 + "a]",
    "a quoted key": '"a" . ' * 1_000_000 + "a=1",
    "a key in an inline table": "x = {" + "a." * 1_000_000 + "a=1}",
    "many keys": "\n".join(f"{'a.' * 15}a{number} = 1" for number in range(20_000)),
    "a word": "a" * 8_000_000,
    "quotes": '"""\\' * 2_000_000,
    "apostrophes": "'''a''" * 2_000_000,
    "brackets": "x = " + "[" * 1_000_000,
    "a number": "x = " + "9" * 8_000_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_content_of_a_file_takes_long_to_refuse(
    tmp_path: Path, config: Config, text: str
) -> None:
    began = process_time()
    with pytest.raises(ConfigError):
        read_dropin(write(tmp_path, text, "v.toml"), config)
    # quadratic time would be minutes
    assert process_time() - began < 30


def test_dots_in_a_text_or_a_comment_are_no_long_key(tmp_path: Path, config: Config) -> None:
    dots = ".".join("a" * 100)
    text = f"""
        watches = [{{ video_id = "{dots}", metadata = {{ a = '{dots}', "{dots}" = "x" }} }}]
        # {dots}
        """
    (watch,) = read_dropin(write(tmp_path, text, "v.toml"), config).specs
    assert watch.key.video_id == dots


def test_a_dropin_that_is_gone_is_a_problem(tmp_path: Path, config: Config) -> None:
    assert problems_in(tmp_path / "v.toml", config) == {"": "does not exist"}


def test_the_order_of_endpoints_makes_no_difference(tmp_path: Path) -> None:
    config = load_text(tmp_path, GATEWAY + ENDPOINT + ENDPOINT.replace(".app]", ".backup]"))
    one = check_watch({"video_id": "v", "endpoints": ["app", "backup"]}, config)
    assert one == check_watch({"video_id": "v", "endpoints": ["backup", "app"]}, config)


def test_a_single_watch_is_checked_like_one_in_a_file(config: Config) -> None:
    made = check_watch({"video_id": "v", "metadata": {"a": "b"}}, config)
    assert made == WatchSpec(WatchKey("main", "v"), metadata={"a": "b"})


@pytest.mark.parametrize(
    "entry", [{"video_id": "\udc80"}, {"video_id": "v", "metadata": {"\udc80": "\udc80"}}]
)
def test_a_command_line_that_is_no_unicode_is_refused(
    config: Config, entry: dict[str, object]
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_watch(entry, config)
    assert str(caught.value).encode().startswith(b"watch: ")


def test_a_single_watch_is_refused_with_its_key(config: Config) -> None:
    with pytest.raises(ConfigError) as caught:
        check_watch({"video_id": "v", "gateway": "mian"}, config)
    expected = 'watch: gateway: "mian" is not the name of a gateway (did you mean `main`?)'
    assert str(caught.value) == expected
