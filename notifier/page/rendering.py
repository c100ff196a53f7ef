"""Renders the page's templates, which escape everything that they are given."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from notifier import __version__

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    # "no-referrer" would take the Origin away from forms as well
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
}
"""The headers of every answer of the page."""

_TEMPLATES = Path(__file__).parent / "templates"


def render(name: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """Return the answer that a template makes of `values`."""
    text = _environment().get_template(name).render(values)
    return HTMLResponse(text, status, headers=HEADERS)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"iso": _iso, "utc": _utc, "counts": _counts, "duration": _duration}
    environment.globals["version"] = __version__
    return environment


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _utc(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _counts(counts: Mapping[str, int]) -> str:
    """Return deliveries by state in words."""
    words = [f"{number} {state}" for state, number in counts.items() if number]
    return ", ".join(words) or "no deliveries"
