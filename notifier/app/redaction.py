"""How endpoints are shown to operators: without anything that may be secret."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from notifier.config import Config, EndpointSettings
from notifier.config.bad_value import unknown_name
from notifier.errors import UnknownError
from notifier.formats.table import SERVICES
from notifier.model.views import EndpointView, Row

STATES = ("pending", "held", "delivered", "dead", "cancelled")
"""The states of a delivery, in the order of display."""


def endpoint_row(endpoint: EndpointSettings, view: EndpointView, instance: str | None) -> Row:
    """Return an endpoint with its deliveries by state; the keys are the `--json` contract.

    `instance` delivers to it, None where a daemon has its store alone.
    """
    return {
        "name": endpoint.name,
        "format": endpoint.format.value,
        "to": _shown_url(endpoint),
        "events": list(endpoint.events),
        "disabled": view.disabled,
        "instance": instance,
        **{state: view.deliveries.get(state, 0) for state in STATES},
    }


def endpoint_rows(
    config: Config,
    endpoint_views: Mapping[str, EndpointView],
    lanes: Mapping[str, str],
) -> list[Row]:
    """Return a row for each configured endpoint, in the config's order.

    `lanes` has the instance that delivers to each, where several share the store.
    """
    return [
        endpoint_row(endpoint, endpoint_views.get(name, EndpointView({})), lanes.get(name))
        for name, endpoint in config.endpoints.items()
    ]


def named_endpoint(config: Config, name: str) -> EndpointSettings:
    """Return a configured endpoint; raises UnknownError."""
    if name not in config.endpoints:
        raise UnknownError(unknown_name("endpoint", name, config.endpoints))
    return config.endpoints[name]


def _shown_url(endpoint: EndpointSettings) -> str:
    """Return where an endpoint sends, without what may be secret: a URL's path and query."""
    if not endpoint.url.is_literal:
        return endpoint.url.source
    parts = urlsplit(endpoint.url.reveal())
    host = f"{parts.scheme}://{parts.netloc}"
    return f"{host}/…" if SERVICES[endpoint.format].url_is_secret else f"{host}{parts.path}"
