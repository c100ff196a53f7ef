"""What `watch add` and `watch remove` are asked for: ids as arguments, or lines of stdin.

A line is an id, plain or as JSON text, or a JSON object with the keys of `[[watches]]`. A line
that cannot be used is reported with its number and does not stop the others. The lines may also
be one JSON array of such ids and objects.
"""

import json
import sys
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import click

from notifier.cli.output import print_warning
from notifier.cli.project import Project
from notifier.config.bad_value import BadValueError
from notifier.config.findings import Finding
from notifier.config.references import Names, unknown_references
from notifier.config.validators import check_metadata, check_video_id

STDIN = "-"
"""The argument that stands for the lines of stdin."""

_FORMS = 'write an id or {"video_id": "..."}'
_OPTIONS = {"gateway": "--gateway", "endpoints": "--endpoint", "metadata": "--metadata"}


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """One entry of `[[watches]]`; `origin` names the line that it was read from, if any."""

    entry: Mapping[str, object]
    origin: str = ""

    def error(self, text: str) -> str:
        """Return `text` as an error about this request."""
        return f"{self.origin}: {text}" if self.origin else text


def read_requests(
    video_ids: Sequence[str], defaults: Mapping[str, object]
) -> tuple[list[WatchRequest], list[str]]:
    """Return the requests for `video_ids`, and the errors of the lines that cannot be used.

    `defaults` are the settings from the options; a JSON object on a line overrides them.
    """
    requests: list[WatchRequest] = []
    errors: list[str] = []
    for video_id in video_ids:
        if video_id != STDIN:
            requests.append(WatchRequest({"video_id": video_id, **defaults}))
            continue
        for origin, written in _written(_utf8(sys.stdin.buffer.read())):
            try:
                requests.append(WatchRequest({**defaults, **_entry(written)}, origin))
            except ValueError as error:
                errors.append(f"{origin}: {error}")
        if not requests and not errors:
            print_warning("stdin holds no ids")
    return requests, errors


def _utf8(content: bytes) -> bytes:
    """Return what was read without the mark that Windows' programs begin a text with."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return content.decode("utf-16", "replace").encode()
    return content.removeprefix(BOM_UTF8)


def _written(content: bytes) -> Iterator[tuple[str, object]]:
    """Yield the lines that are not empty, as bytes, or the items of a JSON array, with a name."""
    if content.lstrip().startswith(b"["):
        with suppress(ValueError, RecursionError):
            items = json.loads(content)
            yield from ((f"item {number}", item) for number, item in enumerate(items, 1))
            return
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            yield f"line {number}", line.strip()


def _entry(written: object) -> Mapping[str, object]:
    """Return the entry of one line or item; raises ValueError with what is wrong."""
    value = _value(written) if isinstance(written, bytes) else written
    if isinstance(value, str):
        return {"video_id": value}
    if not isinstance(value, dict):
        raise ValueError(f"is neither an id nor an object; {_FORMS}")  # noqa: TRY004 - told to people
    return value


def _value(line: bytes) -> Any:  # noqa: ANN401 - any value
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    if text.startswith("#"):
        raise ValueError(f"starts like a comment; {_FORMS}")
    if not text.startswith(("{", "[", "]", '"')):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"is not valid JSON; {_FORMS}") from None


def check_arguments(requests: Sequence[WatchRequest], project: Project) -> None:
    """Check the requests from arguments; raises UsageError, so that nothing is changed then."""
    for request in requests:
        findings = [] if request.origin else list(_findings(request.entry, project))
        if findings:
            raise click.UsageError("; ".join(map(_sentence, findings)))


def _sentence(finding: Finding) -> str:
    """Return the error about an argument or option, which is named as it was written."""
    key = str(finding.location[0])
    problem = replace(finding, location=()).problem(_OPTIONS.get(key, key))
    return str(problem)


def _findings(entry: Mapping[str, object], project: Project) -> Iterator[Finding]:
    try:
        check_video_id(entry["video_id"])
    except BadValueError as error:
        yield Finding(("video_id",), str(error), error.hint)
    metadata = entry.get("metadata", {})
    try:
        check_metadata(metadata)  # type: ignore[arg-type] # made from the options
    except BadValueError as error:
        yield Finding(("metadata",), str(error), error.hint)
    yield from unknown_references((), entry, Names.of(project))
