"""What is asked of the child process that applies templates, and how its answer is read.

Pure: `notifier.webhook.templates` runs the child for an attempt, `notifier.config.templates` for
`check`. Only the child imports Jinja2.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

SECONDS = 1.0
"""The CPU time that one rendering may take."""

MAX_TEXT = 256_000
"""The most bytes of a rendering."""

COMMAND = (sys.executable, "-m", "notifier.formats.template_child")
"""The child's command line."""

PATIENCE = 20.0
"""How long the child is waited for, in seconds: a busy machine may take long to start it."""

_TOO_SLOW = f"it takes more than {SECONDS:g} s"


class TemplateError(ValueError):
    """A template makes no message; the text says why, in a few words."""


def order(template: str, standard_bodies: Sequence[bytes]) -> bytes:
    """Return the child's input: a template, and events as the `standard` format has them."""
    return json.dumps(
        {"template": template, "events": [json.loads(body) for body in standard_bodies]}
    ).encode()


def results(output: bytes, media: str) -> list[bytes | TemplateError]:
    """Return for each event the body, or why there is none; for a child that was ended, one."""
    try:
        answers: list[dict[str, Any]] = json.loads(output)
    except ValueError:
        return [TemplateError(_TOO_SLOW)]
    return [_result(answer, media) for answer in answers]


def _result(answer: dict[str, Any], media: str) -> bytes | TemplateError:
    if "error" in answer:
        return TemplateError(str(answer["error"]))
    text = str(answer["text"])
    if "json" in media:
        try:
            json.loads(text)
        except (ValueError, RecursionError) as error:
            return TemplateError(f"it makes no valid JSON: {error}")
    body = text.encode("utf-8", "replace")
    return body if len(body) <= MAX_TEXT else TemplateError(f"it makes over {MAX_TEXT} bytes")
