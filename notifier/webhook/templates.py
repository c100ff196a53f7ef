"""Applies an endpoint's template to an event, in a child process, before its first attempt."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import trio

from notifier.formats.templates import COMMAND, PATIENCE, TemplateError, order, results

__all__ = ["Template", "TemplateError", "apply_template"]

_MAX_TEMPLATE = 256_000
_AT_ONCE = trio.CapacityLimiter(2)


@dataclass(frozen=True, slots=True)
class Template:
    """A template's file, and the media type of what it makes."""

    path: Path
    media: str


async def apply_template(template: Template, standard: bytes) -> bytes:
    """Return what the template makes of an event's `standard` body.

    The file is read each time, so that a correction takes effect at once. Raises TemplateError.
    """
    try:
        source = await trio.Path(template.path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{template.path.name} cannot be read: {error}") from None
    if len(source) > _MAX_TEMPLATE:
        raise TemplateError(f"{template.path.name} has more than {_MAX_TEMPLATE} characters")
    async with _AT_ONCE:
        output = await _child(order(source, [standard]))
    (result,) = results(output, template.media)
    if isinstance(result, TemplateError):
        raise result
    return result


async def _child(asked: bytes) -> bytes:
    """Return what the child wrote, which is nothing if it was ended."""
    with trio.move_on_after(PATIENCE):
        done = await trio.run_process(
            list(COMMAND), stdin=asked, capture_stdout=True, stderr=subprocess.DEVNULL, check=False
        )
        return done.stdout
    return b""
