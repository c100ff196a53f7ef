"""Errors name the key path of what is wrong, and repeat no value of the file."""

from pathlib import Path

import pytest

from tests.config.config_files import ENDPOINT, GATEWAY, WHSEC, by_key, load_text, problems_of

URL = 'url = "https://app.example/"\n'
DURATION = "must be a duration"
NOT_TEXT = "must be text"
ASCII_URL = "must be a URL without spaces and of ASCII characters only"
ABSOLUTE = "must be an absolute http or https URL"
NO_PASSWORD = "must not hold a user name or password"
BAD_HOST = "has a host or port that cannot be"
NAME = "must be a name of 1 to 64 letters, digits, `_`, `.` and `-`"
ONE_LINE = "must be one line of printable ASCII, without spaces around it"
OWN_HEADER = "is a header that notifier sets itself"
PRINTABLE = "must be 1 to 512 printable characters"
TILDE = "must not start with `~`"
TAKEN = "is also that of [http]"
LOST = "must not hold U+FFFD, which stands for characters that were lost"
FORMS = 'must be text, { env = "NAME" }, { file = "/path" } or { credential = "name" }'


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ('api_key = "two words"', "api_key", "must be printable ASCII without spaces"),
        ('api_key = ""', "api_key", "is empty"),
        ("api_key = 3", "api_key", FORMS),
        ('poll_interval = "fast"', "poll_interval", DURATION),
        ("poll_interval = true", "poll_interval", DURATION),
        ('poll_interval = "50ms"', "poll_interval", "must be at least 100ms"),
        ("request_timeout = 0", "request_timeout", "must be at least 1ms"),
        ("give_up_after = -1", "give_up_after", "must be a duration of zero or more"),
        ("give_up_after = nan", "give_up_after", "must be a duration of zero or more"),
        ('give_up_after = "9999d"', "give_up_after", "must be a duration of at most ten years"),
        ("max_requests_per_second = 0", "max_requests_per_second", "must be greater than 0.0"),
        ("max_requests_per_second = inf", "max_requests_per_second", "must be a finite number"),
        ('max_requests_per_second = "5"', "max_requests_per_second", "must be a number"),
        ("max_requests_per_second = true", "max_requests_per_second", "must be a number"),
        ('rewrites_ids = "yes"', "rewrites_ids", "must be true or false"),
        ("rewrites_ids = 1", "rewrites_ids", "must be true or false"),
        ('list_videos = "sometimes"', "list_videos", "must be 'auto', 'always' or 'never'"),
        ("headers = []", "headers", "must be a table"),
        ('headers = { Host = "x" }', "headers.Host", OWN_HEADER),
        ('headers = { "a b" = "x" }', 'headers."a b"', "must be the name of an HTTP header"),
        ('headers = { x = "a\\r\\nb: c" }', "headers.x", ONE_LINE),
        ('headers = { x = "é" }', "headers.x", ONE_LINE),
        ('headers = { x = " a" }', "headers.x", ONE_LINE),
        (
            'headers = { X-A = "1", x-a = "1" }',
            "headers.x-a",
            "stands here twice, written differently",
        ),
        (
            'status_words = { DONE = "finished" }',
            "status_words.DONE",
            "must be 'queued', 'in_progress', 'completed', 'failed' or 'cancelled'",
        ),
        (
            'status_words = { "a-b" = "queued", A_B = "failed" }',
            "status_words.A_B",
            "stands here twice, written differently",
        ),
        (
            'status_words = { " " = "queued" }',
            'status_words." "',
            "must be a word that a gateway uses as a status",
        ),
        (
            'poll_interval = "5s"\nmin_poll_interval = "6s"',
            "min_poll_interval",
            "must not be above poll_interval, which is 5s",
        ),
        (
            'min_poll_interval = "1m"',
            "min_poll_interval",
            "must not be above poll_interval, which is 20s by default",
        ),
        (
            'api_key = "k"\nheaders = { Authorization = "x" }',
            "headers.Authorization",
            "contradicts api_key, which is sent in the same header",
        ),
        ('discover_since = "24h"', "discover_since", "has no effect without discover"),
        ("discover = 1", "discover", "must be true or false"),
    ],
)
def test_a_bad_gateway_key_is_explained(tmp_path: Path, line: str, key: str, message: str) -> None:
    assert by_key(problems_of(tmp_path, GATEWAY + line)) == {f"gateways.main.{key}": message}


@pytest.mark.parametrize(
    ("base_url", "message"),
    [
        ("gateway.example/v1", ABSOLUTE),
        ("ftp://gateway.example/v1", ABSOLUTE),
        ("https:///v1", ABSOLUTE),
        ("", "is empty"),
        ("https://gateway.example/v1 ", ASCII_URL),
        ("https://gateway.example/\\n", ASCII_URL),
        ("https://münchen.example/v1", ASCII_URL),
        ("https://user:sk-canary@gateway.example/v1", NO_PASSWORD),
        ("https://@gateway.example/v1", NO_PASSWORD),
        ("https://gateway.example:99999/v1", BAD_HOST),
        ("https://gateway.example:0/v1", BAD_HOST),
        ("https://gateway.example:port/v1", BAD_HOST),
        ("https://[::1/v1", BAD_HOST),
        ("https://a..b/v1", BAD_HOST),
        ("http://192.168.1.300:8000/v1", BAD_HOST),
        ("http://10.0.0/v1", BAD_HOST),
        ("https://:443/v1", BAD_HOST),
        ("https://gateway.example/v1#", "must not have a fragment"),
        ("https://gateway.example/v1?api-version=preview#x", "must not have a fragment"),
    ],
)
def test_a_base_url_that_cannot_be_asked_is_explained(
    tmp_path: Path, base_url: str, message: str
) -> None:
    problems = problems_of(tmp_path, f'[gateways.main]\nbase_url = "{base_url}"')
    assert by_key(problems) == {"gateways.main.base_url": message}
    assert "canary" not in str(problems)


@pytest.mark.parametrize(
    ("lines", "key", "message"),
    [
        (URL, "secret", "is required for format standard"),
        (
            f'{URL}format = "xml"',
            "format",
            (
                "must be 'standard', 'slack', 'discord', 'teams', 'feishu', 'dingtalk', "
                "'wecom', 'cloudevents' or 'template'"
            ),
        ),
        (f'{URL}format = "slack"\nsecret = "{WHSEC}"', "secret", "is not for format slack"),
        (f'{URL}secret = "hunter2"', "secret", "must start with whsec_"),
        (f'{URL}secret = ["{WHSEC}", 3]', "secret[1]", FORMS),
        (f"{URL}secret = []", "secret", "must have at least 1 entry"),
        (
            f'{URL}secret = ["whsec_AAAA"]',
            "secret[0]",
            "must hold 24 to 64 bytes, this one holds 3",
        ),
        (f'secret = "{WHSEC}"', "url", "is required"),
        (f'url = "https://u:p@h/"\nsecret = "{WHSEC}"', "url", NO_PASSWORD),
        (f'url = "https://h/#top"\nsecret = "{WHSEC}"', "url", "must not have a fragment"),
    ],
)
def test_a_bad_endpoint_is_explained(tmp_path: Path, lines: str, key: str, message: str) -> None:
    problems = problems_of(tmp_path, f"{GATEWAY}[endpoints.app]\n{lines}")
    assert by_key(problems) == {f"endpoints.app.{key}": message}


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ('events = "video.*"', "events", "must be a list"),
        ("events = []", "events", "must have at least 1 entry"),
        ('events = ["video.*", "video.complete"]', "events[1]", "matches no event type"),
        ("events = [1]", "events[0]", NOT_TEXT),
        ('timeout = "11m"', "timeout", "must be 1ms to 10m"),
        ("max_concurrency = 0", "max_concurrency", "must be at least 1"),
        ("max_concurrency = 101", "max_concurrency", "must be at most 100"),
        ("max_concurrency = 2.0", "max_concurrency", "must be a whole number"),
        ("max_concurrency = true", "max_concurrency", "must be a whole number"),
        ('retry_schedule = ["5s", "5x"]', "retry_schedule[1]", DURATION),
        ("retry_schedule = []", "retry_schedule", "must have at least 1 entry"),
        (
            f"retry_schedule = {[1] * 51}",
            "retry_schedule",
            "must have at most 50 entries",
        ),
        ('headers = { Webhook-Id = "x" }', "headers.Webhook-Id", OWN_HEADER),
    ],
)
def test_a_bad_endpoint_key_is_explained(
    tmp_path: Path, line: str, key: str, message: str
) -> None:
    problems = problems_of(tmp_path, GATEWAY + ENDPOINT + line)
    assert by_key(problems) == {f"endpoints.app.{key}": message}


@pytest.mark.parametrize("pattern", ["*", "video.*", "video.failed", "*.test", "endpoint.*"])
def test_a_pattern_that_can_match_is_accepted(tmp_path: Path, pattern: str) -> None:
    config = load_text(tmp_path, f'{GATEWAY}{ENDPOINT}events = ["{pattern}"]')
    assert config.endpoints["app"].events == (pattern,)


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ("", "video_id", "is required"),
        ("video_id = 3", "video_id", NOT_TEXT),
        ('video_id = ""', "video_id", PRINTABLE),
        (f'video_id = "{"x" * 513}"', "video_id", PRINTABLE),
        ('video_id = "a\\tb"', "video_id", PRINTABLE),
        ('video_id = "a\ufffdb"', "video_id", LOST),
        ('video_id = ".."', "video_id", "must not be `.` or `..`"),
        ('video_id = "v"\ngateway = "mian"', "gateway", "is not the name of a gateway"),
        ('video_id = "v"\nendpoints = ["ap"]', "endpoints[0]", "is not the name of an endpoint"),
        ('video_id = "v"\nendpoints = ["app", "app"]', "endpoints[1]", "stands here twice"),
        ('video_id = "v"\nendpoints = []', "endpoints", "must have at least 1 entry"),
        ('video_id = "v"\nmetadata = { a = 1 }', "metadata.a", NOT_TEXT),
        (
            f'video_id = "v"\nmetadata = {{ a = "{"x" * 4096}" }}',
            "metadata",
            "must take at most 4096 bytes as JSON",
        ),
        ('video_id = "v"\ngeneration = 0', "generation", "must be at least 1"),
        ('video_id = "v"\ngive_up_after = "soon"', "give_up_after", DURATION),
    ],
)
def test_a_bad_watch_is_explained(tmp_path: Path, line: str, key: str, message: str) -> None:
    problems = problems_of(tmp_path, f"{GATEWAY}{ENDPOINT}[[watches]]\n{line}")
    assert by_key(problems) == {f"watches[0].{key}": message}


def servers(http: str, passthrough: str) -> str:
    """Return the tables of both servers, with the same port."""
    return f'[http]\nlisten = "{http}:8787"\n[passthrough]\nlisten = "{passthrough}:8787"\n'


def test_one_port_on_two_addresses_is_fine(tmp_path: Path) -> None:
    load_text(tmp_path, GATEWAY + servers("127.0.0.1", "[::1]"))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[[gateways]]\nbase_url = 'http://h/v1'", "write [gateways.NAME]"),
        ("[gateways]\nbase_url = 'http://h/v1'", "write [gateways.NAME]"),
        (f"{GATEWAY}[watches]\nvideo_id = 'v'", "write [[watches]]"),
        (f"watches = ['v']\n{GATEWAY}", "write [[watches]]"),
        (f"{GATEWAY}[[watches]]\nvideo_id = 'v'\nmetadata = {{ user = 7 }}", "in quotes"),
        (f"{GATEWAY}[[watches]]\nvideo_id = 'v'\nendpoints = 'app'", "in brackets"),
        (f"log = 'debug'\n{GATEWAY}", "a [table] of its own"),
        (f"{GATEWAY}api_key = 'Bearer sk-key'", "leave `Bearer` out"),
    ],
)
def test_a_value_of_another_form_is_told_the_right_one(
    tmp_path: Path, text: str, hint: str
) -> None:
    (problem,) = problems_of(tmp_path, text)
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{GATEWAY}{GATEWAY}", "a table is declared twice"),
        (f"{GATEWAY}# \0", "a character that TOML does not allow"),
    ],
)
def test_broken_toml_says_what_is_wrong_there(tmp_path: Path, text: str, reason: str) -> None:
    (problem,) = problems_of(tmp_path, text)
    assert reason in problem.message


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("", "gateways", "at least one gateway is required"),
        ("[gateways]", "gateways", "at least one gateway is required"),
        ("gateways = 3", "gateways", "must be a table"),
        (f"{GATEWAY}[endpoints]\napp = 3", "endpoints.app", "must be a table"),
        (f"watches = 3\n{GATEWAY}", "watches", "must be a list"),
        (f'watch_dir = ""\n{GATEWAY}', "watch_dir", "must be a path"),
        (f'{GATEWAY}[store]\npath = "a\\u0000"', "store.path", "must be a path"),
        (f'{GATEWAY}[store]\npath = "~/n.db"', "store.path", TILDE),
        (f'watch_dir = "~/jobs"\n{GATEWAY}', "watch_dir", TILDE),
        (f'{GATEWAY}api_key = {{ file = "~/key" }}', "gateways.main.api_key", TILDE),
        ('[gateways.main]\nbase_url = ""', "gateways.main.base_url", "is empty"),
        (f"{GATEWAY}{servers('127.0.0.1', '127.0.0.1')}", "passthrough.listen", TAKEN),
        (f"{GATEWAY}{servers('127.0.0.1', 'localhost')}", "passthrough.listen", TAKEN),
        (f'{GATEWAY}[log]\nformat = "xml"', "log.format", "must be 'json', 'console' or 'auto'"),
        ('[gateways."my gw"]\nbase_url = "http://h/v1"', 'gateways."my gw"', NAME),
    ],
)
def test_a_document_of_the_wrong_shape_is_explained(
    tmp_path: Path, text: str, key: str, message: str
) -> None:
    assert by_key(problems_of(tmp_path, text)) == {key: message}


@pytest.mark.parametrize(
    ("line", "key", "hint"),
    [
        ("poll_intervall = 3", "poll_intervall", "did you mean `poll_interval`?"),
        ('"[key]" = 1', '"[key]"', "known here: base_url, api_key"),
        ('"a \\u001b[31mb" = 1', '"a �[31mb"', "known here: base_url, api_key"),
    ],
)
def test_an_unknown_key_gets_a_hint(tmp_path: Path, line: str, key: str, hint: str) -> None:
    (problem,) = problems_of(tmp_path, GATEWAY + line)
    assert (problem.key, problem.message) == (f"gateways.main.{key}", "unknown key")
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql+psycopg://db/n", "must name no driver"),
        ("mysql://db/n", "must be the URL of a PostgreSQL database"),
        ("postgresql:db/n", "must be the URL of a PostgreSQL database"),
        ("postgresql://user:p\u00e4ss@db/n", "must be ASCII"),
    ],
)
def test_a_store_url_that_is_none_is_refused_and_not_repeated(
    tmp_path: Path, url: str, message: str
) -> None:
    (problem,) = problems_of(tmp_path, f"store.url = '{url}'\n{GATEWAY}")
    assert (problem.key, problem.message) == ("store.url", message)
    assert url not in str(problem)


def test_a_store_has_either_a_path_or_a_url(tmp_path: Path) -> None:
    lines = f"store.url = 'postgresql://db/n'\nstore.path = 'n.db'\n{GATEWAY}"
    (problem,) = problems_of(tmp_path, lines)
    assert problem.key == "store.path"
    assert problem.message.startswith("contradicts url")


def test_an_instance_among_others_needs_a_database(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, f"{GATEWAY}[cluster]\ninstance = 'a'\n")
    assert problem.key == "cluster"
    assert problem.message == "is for instances that share a database, and the state is in a file"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("instance = 'a b'", NAME),
        ("instance = ''", NAME),
        ("lease = '4s'", "must be 5s to 2m"),
        ("lease = 121", "must be 5s to 2m"),
    ],
)
def test_an_instance_has_a_name_and_a_lease_that_others_can_wait_for(
    tmp_path: Path, line: str, message: str
) -> None:
    lines = f"store.url = 'postgresql://db/n'\n{GATEWAY}[cluster]\n{line}\n"
    (problem,) = problems_of(tmp_path, lines)
    assert problem.key == f"cluster.{line.partition(' ')[0]}"
    assert problem.message == message


def test_a_table_may_be_wrong_in_name_and_in_kind(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, 'gateways."a b" = []')
    assert {problem.key for problem in problems} == {'gateways."a b"'}
    assert {problem.message for problem in problems} == {NAME, "must be a table"}


def test_an_overlong_key_is_cut(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, f"{'k' * 5000} = 1\n{GATEWAY}")
    assert len(problem.key) < 80


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("events = ['video.complete']", "did you mean `video.completed`?"),
        ("events = ['xyz']", "event types are video.completed, video.failed"),
    ],
)
def test_an_event_that_does_not_exist_gets_a_hint(tmp_path: Path, written: str, hint: str) -> None:
    (problem,) = problems_of(tmp_path, GATEWAY + ENDPOINT + written)
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize(
    ("name", "hint"), [("ap", "did you mean `app`?"), ("zzz", "configured: app")]
)
def test_an_unknown_endpoint_gets_a_hint(tmp_path: Path, name: str, hint: str) -> None:
    watch = f'[[watches]]\nvideo_id = "v"\nendpoints = ["{name}"]'
    (problem,) = problems_of(tmp_path, GATEWAY + ENDPOINT + watch)
    assert problem.hint == hint


def test_a_watch_must_name_its_gateway_when_there_are_several(tmp_path: Path) -> None:
    other = '[gateways.other]\nbase_url = "http://h/v1"\n'
    (problem,) = problems_of(tmp_path, f'{GATEWAY}{other}[[watches]]\nvideo_id = "v"')
    assert problem.key == "watches[0].gateway"
    assert problem.hint == "configured: main, other"


def test_one_watch_with_two_settings_names_both_entries(tmp_path: Path) -> None:
    watches = """
        watches = [
            { video_id = "v", give_up_after = "1h" },
            { video_id = "v", gateway = "main", give_up_after = 3600 },
            { video_id = "v", give_up_after = "2h" },
            { video_id = "v", give_up_after = "2h", generation = 2 },
        ]
    """
    (problem,) = problems_of(tmp_path, watches + GATEWAY)
    assert problem.key == "watches[2]"
    assert problem.message == "lists the same video as watches[0] with other settings"


def test_everything_that_is_wrong_is_listed_at_once(tmp_path: Path) -> None:
    text = """
        [gateways.a]
        base_url = "https://a.example/v1"
        request_timeout = "soon"
        [gateways.b]
        base_url = "https://b.example/v1"
        poll_interval = "1s"
        min_poll_interval = "2s"
        [endpoints.app]
        url = "https://app.example/"
        [[watches]]
        video_id = "v"
        gateway = "a"
        [[watches]]
        video_id = "v"
        gateway = "a"
        generation = 1
        endpoints = ["app"]
        [[watches]]
        video_id = "w"
        gateway = "c"
    """
    problems = problems_of(tmp_path, text)
    assert {problem.where for problem in problems} == {str(tmp_path / "config.toml")}
    assert set(by_key(problems)) == {
        "gateways.a.request_timeout",
        "gateways.b.min_poll_interval",
        "endpoints.app.secret",
        "watches[1]",
        "watches[2].gateway",
    }


@pytest.mark.parametrize(
    ("lines", "key", "written"),
    [
        ('poll_interval = "soon"', "gateways.main.poll_interval", '"soon"'),
        ("poll_interval = -1", "gateways.main.poll_interval", "-1"),
        ('list_videos = "allways"', "gateways.main.list_videos", '"allways"'),
        ('max_requests_per_second = "5"', "gateways.main.max_requests_per_second", '"5"'),
        ("rewrites_ids = 1", "gateways.main.rewrites_ids", "1"),
        # not quoted: what starts like a secret, what is long, what is no word, what is secret
        ('list_videos = "sk-1234"', "gateways.main.list_videos", ""),
        ('poll_interval = "whsec_1234"', "gateways.main.poll_interval", ""),
        ('list_videos = "Bearer sk-1234"', "gateways.main.list_videos", ""),
        (f'list_videos = "{"a" * 41}"', "gateways.main.list_videos", ""),
        ("list_videos = ['never']", "gateways.main.list_videos", ""),
        ('api_key = "two words"', "gateways.main.api_key", ""),
        ('headers = { x-a = "two\\tlines" }', "gateways.main.headers.x-a", ""),
        ("proxy = 1", "gateways.main.proxy", ""),
    ],
)
def test_what_was_written_is_quoted_where_it_cannot_be_a_secret(
    tmp_path: Path, lines: str, key: str, written: str
) -> None:
    (problem,) = problems_of(tmp_path, GATEWAY + lines + "\n" + ENDPOINT)
    assert (problem.key, problem.written) == (key, written)
    assert written in str(problem)


def test_a_word_of_a_closed_set_has_the_nearest_one_as_its_hint(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, GATEWAY + 'list_videos = "allways"\n' + ENDPOINT)
    assert str(problem).endswith(
        "must be 'auto', 'always' or 'never', not \"allways\" (did you mean `always`?)"
    )
