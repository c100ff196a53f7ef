"""Which keys of an endpoint go with its format, from the table of formats."""

from collections.abc import Iterator
from typing import Any

from notifier.config.findings import Finding, Location
from notifier.formats.service import Signing
from notifier.formats.table import SERVICES
from notifier.model.delivery import Format, Language

OWN_SIGNATURES = frozenset(
    form.value for form, service in SERVICES.items() if service.signing is Signing.OWN
)
"""The formats whose secret is made by the service itself."""

_READ_BY_PEOPLE = frozenset(form for form, service in SERVICES.items() if service.message)


def contradictions(location: Location, endpoint: dict[str, Any]) -> Iterator[Finding]:
    """Find keys of a raw endpoint that its format needs or has no use for."""
    try:
        form = Format(endpoint.get("format", Format.STANDARD))
    except ValueError:
        return
    yield from _secret(location, endpoint, form)
    yield from _signature(location, endpoint, form)
    if endpoint.get("language") == Language.ZH and form not in _READ_BY_PEOPLE:
        yield Finding(
            (*location, "language"), f"has no effect with format {form}", "people do not read it"
        )
    if form is Format.TEMPLATE and "template" not in endpoint:
        yield Finding(
            (*location, "template"), "is required for format template", 'such as "message.j2"'
        )


def _secret(location: Location, endpoint: dict[str, Any], form: Format) -> Iterator[Finding]:
    signing = SERVICES[form].signing
    if signing is Signing.REQUIRED and "secret" not in endpoint:
        yield Finding(
            (*location, "secret"),
            f"is required for format {form}",
            "`notifier secret` makes one; the receiver needs the same",
        )
    if signing is Signing.NONE and "secret" in endpoint:
        yield Finding(
            (*location, "secret"),
            f"is not for format {form}",
            f"remove it: {form.title()} checks no signatures, its URL is the secret",
        )
    secret = endpoint.get("secret")
    if signing is Signing.OWN and isinstance(secret, list) and len(secret) > 1:
        yield Finding((*location, "secret"), f"is one text for format {form}")


def _signature(location: Location, endpoint: dict[str, Any], form: Format) -> Iterator[Finding]:
    if "signature" not in endpoint:
        return
    if SERVICES[form].signing not in {Signing.REQUIRED, Signing.OPTIONAL}:
        yield Finding((*location, "signature"), f"is not for format {form}", "remove it")
    elif "secret" not in endpoint:
        yield Finding((*location, "signature"), "needs a secret", "`notifier secret` makes one")
