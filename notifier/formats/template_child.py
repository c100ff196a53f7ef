"""The child process that applies templates: `python -m notifier.formats.template_child`.

It reads `{"template": …, "events": […]}` from its input and writes a JSON list with one
`{"text": …}` or `{"error": …}` for each event. A template is written by the operator, but a slip
in it (an endless loop, a huge repetition) must not stop the daemon. So it runs here, in Jinja2's
sandbox, with a second of CPU time an event and bounded memory. The kernel ends a process that
exceeds them.
"""

import json
import resource
import signal
import sys
from contextlib import suppress
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifier.formats.templates import MAX_TEXT, SECONDS

_MAX_MEMORY = 512 * 1024 * 1024


def main() -> None:
    """Apply the template of the input to each of its events."""
    order = json.load(sys.stdin)
    with suppress(OSError, ValueError):  # a hardened systemd unit does not allow it
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, hard))
    signal.setitimer(signal.ITIMER_PROF, SECONDS * len(order["events"]))
    results = [_result(order["template"], event) for event in order["events"]]
    signal.setitimer(signal.ITIMER_PROF, 0)
    json.dump(results, sys.stdout)


def _result(source: str, event: dict[str, Any]) -> dict[str, str]:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    environment.filters["tojson"] = _to_json
    try:
        text = environment.from_string(source).render(**event, event=event)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        return {"error": f"{error.message or error}" + (f" (line {line})" if line else "")}
    except MemoryError:
        return {"error": "it needs too much memory"}
    except Exception as error:  # noqa: BLE001 - whatever a template can raise
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    if len(text.encode("utf-8", "replace")) > MAX_TEXT:
        return {"error": f"it makes more than {MAX_TEXT} bytes"}
    return {"text": text}


def _to_json(value: object) -> str:
    """Return JSON without the escapes for HTML that Jinja2's own filter makes."""
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
