"""Tries every endpoint's template with a sample of each event that the endpoint gets."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from notifier.config.findings import Finding
from notifier.config.settings import Config, EndpointSettings
from notifier.errors import Problem
from notifier.formats.samples import render_sample
from notifier.formats.templates import COMMAND, PATIENCE, TemplateError, order, results
from notifier.model.delivery import Format, Rendering
from notifier.model.event import EventType, subscribes

_MOMENT = 1_760_627_863
_GATEWAY = ("main", "https://gateway.example/v1")


def check_templates(config: Config) -> list[Problem]:
    """Return a problem for each template that fails with one of its endpoint's events.

    It runs a child process for each, so only `check` asks for it.
    """
    findings = [
        finding
        for endpoint in config.endpoints.values()
        if endpoint.template is not None
        for finding in _failures(endpoint, endpoint.template)
    ]
    return [finding.problem(config.path) for finding in findings]


def _failures(endpoint: EndpointSettings, path: Path) -> Iterator[Finding]:
    """Find the first event that the template fails with: others mostly fail alike."""
    location = ("endpoints", endpoint.name, "template")
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        yield Finding(location, f"{path} cannot be read: {reason}")
        return
    types = [each for each in EventType if subscribes(endpoint.events, each)]
    for event_type, result in zip(types, _try(source, types, endpoint.content_type), strict=False):
        if isinstance(result, TemplateError):
            yield Finding(location, f"fails with {event_type}: {result}")
            return


def _try(source: str, types: list[EventType], media: str) -> list[bytes | TemplateError]:
    standard = Rendering(Format.STANDARD)
    samples = [render_sample(standard, each, "evt_1", _MOMENT, _GATEWAY) for each in types]
    try:
        done = subprocess.run(  # noqa: S603 - our own child
            COMMAND,
            input=order(source, samples),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return results(b"", media)
    return results(done.stdout, media)
