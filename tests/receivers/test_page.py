"""The pages show what is tested here, and what it says of the openai package is so."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import openai
import pytest

from notifier.signing import decode_secret, generate_secret, signed_headers
from tests.receivers.page import FROM_POLLING, PAGES, RECEIVERS, ROOT, shown_in, with_files

LANGUAGES = ("python", "node", "go", "java", "csharp", "php", "webhook")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_the_files_as_they_are(page: Path) -> None:
    assert with_files(page.read_text()) == page.read_text(), "python -m tests.receivers"


@pytest.mark.parametrize(
    ("page", "folders"), [(RECEIVERS, LANGUAGES), (FROM_POLLING, ("from_polling",))]
)
def test_a_page_shows_every_file(page: Path, folders: Sequence[str]) -> None:
    each = [ROOT / "tests" / "receivers" / folder for folder in folders]
    files = [file for folder in each for file in folder.iterdir() if file.is_file()]
    assert sorted(shown_in(page.read_text())) == sorted(
        str(file.relative_to(ROOT)) for file in files
    )


def test_a_file_that_differs_from_its_block_is_found(tmp_path: Path) -> None:
    name = "tests/receivers/php/receiver.php"
    page = f"before\n<!-- {name} -->\n```php\nan older text\n```\nafter\n"
    assert shown_in(page) == [name]
    assert (ROOT / name).read_text() in with_files(page)
    assert with_files(page).endswith("```\nafter\n")


@pytest.mark.parametrize("event_type", ["video.completed", "video.lost"])
def test_the_openai_package_verifies_an_event_and_gives_it_a_class_of_something_else(
    event_type: str,
) -> None:
    secret = generate_secret()
    body = json.dumps({"type": event_type, "data": {"id": "video_1"}}).encode()
    headers = signed_headers([decode_secret(secret)], "evt_1", int(time.time()), body)
    with openai.OpenAI(api_key="unused", webhook_secret=secret) as client:
        event: object = client.webhooks.unwrap(body, headers)
    assert "Video" not in type(event).__name__
    assert type(event).__name__.endswith("WebhookEvent")
