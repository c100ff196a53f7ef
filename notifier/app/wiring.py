"""Translates the config into what each part needs: the only module that knows both sides."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

from notifier import log
from notifier.config import Config, EndpointSettings, GatewaySettings, Secret
from notifier.config.tls_files import read_tls
from notifier.config.urls import query_credentials, shown_store_url
from notifier.delivery import MOST_CALLBACKS, DeliveryRules, LaneRules, Subscription
from notifier.discovery import Bounds, DiscoveryRules
from notifier.formats.service import Signing
from notifier.formats.table import SERVICES
from notifier.gateway import GatewayClient, GatewayRules, SecretEchoMask
from notifier.http_client import PeerClient, Route
from notifier.model.delivery import Format, Rendering
from notifier.model.watch import callback_lane
from notifier.net import ANYWHERE, AddressPolicy
from notifier.polling import PollRules, SchedulerLimits
from notifier.schedule.poll_intervals import PollIntervals
from notifier.signing import decode_secret
from notifier.webhook import Target, Template, WebhookSender

GATEWAY_IN_FLIGHT = 32
"""Most status requests in flight to one gateway."""

_IDLE_CALLBACKS = 32
PUBLIC = AddressPolicy(public_only=True, rule="callback URLs must have public addresses")
"""For URLs that were not chosen by the operator."""

_CREDENTIAL = re.compile("auth|key|token|secret|cookie", re.IGNORECASE)


def reveal(secret: Secret) -> str:
    """Return the secret's text; the log masks it from now on."""
    text = secret.reveal()
    log.redactor.protect(text)
    return text


def reveal_url(endpoint: EndpointSettings) -> str:
    """Return an endpoint's URL; the log masks it from now on if the URL itself is a secret."""
    url = endpoint.url.reveal()
    if SERVICES[endpoint.format].url_is_secret or not endpoint.url.is_literal:
        log.redactor.protect(url)
        log.redactor.protect(urlsplit(url).path)
    return url


def reveal_store_url(secret: Secret) -> str:
    """Return the URL of the store's database; the log masks it and what is secret in it."""
    url = reveal(secret)
    parts = urlsplit(url)
    passwords = [value for key, value in parse_qsl(parts.query) if key.endswith("password")]
    if parts.password is not None:
        passwords += [parts.password, unquote(parts.password)]
    for password in passwords:
        log.redactor.protect(password)
    return url


def store_shown(config: Config) -> str:
    """Return where the store is, as it may be logged; raises SecretError."""
    if config.store.url is None:
        return str(config.store_path)
    return shown_store_url(reveal_store_url(config.store.url))


def _reveal_proxy(proxy: Secret | None) -> str | None:
    if proxy is None:
        return None
    url = reveal(proxy)
    password = urlsplit(url).password
    if password is not None:
        log.redactor.protect(password)
        log.redactor.protect(unquote(password))
    return url


def gateway_route(settings: GatewaySettings) -> Route:
    """Return the route to a gateway, which may be at any address; raises TlsFileError."""
    return _route(settings, ANYWHERE)


def content_route(settings: GatewaySettings, outbound: AddressPolicy) -> Route:
    """Return the route to other hosts, to which a gateway redirects for content.

    Raises TlsFileError. They have public addresses, or such as `[outbound] allow` lists.
    """
    policy = AddressPolicy(
        public_only=True, allow=outbound.allow, rule="a gateway redirects to it for content"
    )
    return _route(replace(settings, tls=settings.tls.without_client()), policy)


def endpoint_route(endpoint: EndpointSettings, policy: AddressPolicy) -> Route:
    """Return the route to an endpoint, to addresses that `policy` allows.

    Raises TlsFileError.
    """
    if is_callback_lane(endpoint.name):
        # the operator did not choose the URL
        return replace(_route(endpoint, PUBLIC), max_idle=_IDLE_CALLBACKS)
    return _route(endpoint, policy)


def _route(settings: GatewaySettings | EndpointSettings, policy: AddressPolicy) -> Route:
    return Route(
        policy, read_tls(settings.tls), _reveal_proxy(settings.proxy), settings.max_connection_age
    )


def gateway_client(
    settings: GatewaySettings, client: PeerClient, wall: Callable[[], float]
) -> GatewayClient:
    """Build the client of one gateway."""
    return GatewayClient(gateway_rules(settings), client, wall)


def gateway_rules(settings: GatewaySettings) -> GatewayRules:
    """Return how one gateway is asked."""
    echoes = SecretEchoMask()
    for secret in query_credentials(settings.base_url):
        log.redactor.protect(secret)
        echoes.add(secret)
    known: dict[str, str] = {}
    secrets = (*settings.headers.values(), settings.api_key)
    literal = all(secret is None or secret.is_literal for secret in secrets)

    def headers() -> Mapping[str, str]:
        nonlocal known
        if known and literal:
            return known
        sent = gateway_headers(settings)
        if sent != known:
            for text in sent.values():
                log.redactor.protect(text)
            for secret in _secrets_in(sent, settings.headers):
                log.redactor.protect(secret)
                echoes.add(secret)
            known = sent
        return known

    return GatewayRules(
        base_url=settings.base_url,
        headers=headers,
        request_timeout=settings.request_timeout,
        status_words=settings.status_words,
        rewrites_ids=settings.rewrites_ids,
        hide_fields=settings.hide_fields,
        echoes=echoes,
    )


def gateway_headers(settings: GatewaySettings) -> dict[str, str]:
    """Return the configured headers, the key included; raises SecretError."""
    sent = {name: value.reveal() for name, value in settings.headers.items()}
    if settings.api_key is not None:
        sent["authorization"] = f"Bearer {settings.api_key.reveal()}"
    return sent


def credential_names(settings: GatewaySettings) -> frozenset[str]:
    """Return the names of the configured headers that identify a caller to the gateway."""
    named = {
        name
        for name, value in settings.headers.items()
        if _CREDENTIAL.search(name) or not value.is_literal
    }
    return frozenset(named | ({"authorization"} if settings.api_key is not None else set()))


def _secrets_in(sent: Mapping[str, str], configured: Mapping[str, Secret]) -> Iterator[str]:
    """Yield the secret header values: a literal one may be as common as `text/plain`."""
    for name, text in sent.items():
        if _CREDENTIAL.search(name) or not configured[name].is_literal:
            yield text.rpartition(" ")[2] if name.endswith("authorization") else text


def scheduler_rules(settings: GatewaySettings) -> SchedulerLimits:
    """Return the limits for requests to a gateway."""
    return SchedulerLimits(
        requests_per_second=settings.max_requests_per_second,
        in_flight=GATEWAY_IN_FLIGHT,
        poll_interval=settings.poll_interval,
        list_videos=settings.list_videos,
    )


def discovery_rules(settings: GatewaySettings) -> DiscoveryRules:
    """Return how jobs of a gateway are discovered."""
    return DiscoveryRules(
        settings.name,
        hashlib.sha256(settings.base_url.encode()).hexdigest()[:16],
        settings.poll_interval,
        Bounds(settings.give_up_after, settings.discover_since),
    )


def poll_rules(settings: GatewaySettings) -> PollRules:
    """Return how the watches of a gateway are polled."""
    return PollRules(
        PollIntervals(settings.poll_interval, settings.min_poll_interval),
        settings.not_found_grace,
        settings.give_up_after,
    )


def sender(
    endpoint: EndpointSettings, client: PeerClient, wall: Callable[[], float]
) -> WebhookSender:
    """Build the sender of one endpoint."""
    service = SERVICES[endpoint.format]
    template = (
        None if endpoint.template is None else Template(endpoint.template, endpoint.content_type)
    )

    def target() -> Target:
        secrets = [reveal(secret) for secret in endpoint.secrets]
        own = service.signing is Signing.OWN
        return Target(
            url=reveal_url(endpoint),
            headers={name: reveal(value) for name, value in endpoint.headers.items()},
            keys=[decode_secret(text) for text in secrets if _signs(endpoint, "standard")],
            timeout=endpoint.timeout,
            service=service,
            body_key=secrets[0].encode() if secrets and _signs(endpoint, "github") else b"",
            own_secret=secrets[0] if secrets and own else "",
            template=template,
        )

    return WebhookSender(client, target, wall)


def _signs(endpoint: EndpointSettings, signature: str) -> bool:
    own = SERVICES[endpoint.format].signing is Signing.OWN
    return signature in endpoint.signature and not own


def rendering(endpoint: EndpointSettings) -> Rendering:
    """Return what the messages of an endpoint look like."""
    return Rendering(endpoint.format, endpoint.language)


def delivery_rules(endpoint: EndpointSettings) -> DeliveryRules:
    """Return how to deliver to one endpoint."""
    return DeliveryRules(
        endpoint.name,
        endpoint.format,
        endpoint.retry_schedule,
        to_callbacks=is_callback_lane(endpoint.name),
    )


def lane_rules(endpoint: EndpointSettings) -> LaneRules:
    """Return the limits for deliveries to one endpoint."""
    max_per_second = SERVICES[endpoint.format].max_per_second
    return LaneRules(endpoint.name, endpoint.max_concurrency, max_per_second)


def lanes(config: Config) -> Mapping[str, EndpointSettings]:
    """Return the settings of every lane: the endpoints, and callbacks signed as for them.

    A callback gets none of the endpoint's headers and no client certificate: they are for that
    host alone. It does not use the endpoint's proxy, which would resolve names without the
    address policy.
    """
    callbacks = {
        callback_lane(endpoint.name): replace(
            endpoint,
            name=callback_lane(endpoint.name),
            max_concurrency=MOST_CALLBACKS,
            headers=MappingProxyType({}),
            proxy=None,
            tls=endpoint.tls.without_client(),
        )
        for endpoint in config.endpoints.values()
        if config.http.allow_callback_urls and endpoint.format is Format.STANDARD
    }
    return {**config.endpoints, **callbacks}


def is_callback_lane(name: str) -> bool:
    """Tell whether `name` is the lane of callbacks that are signed as for an endpoint."""
    return name.endswith(callback_lane(""))


def url_mark(endpoint: EndpointSettings) -> str:
    """Return a digest of the endpoint's URL, which shows a change and not the URL."""
    return hashlib.sha256(reveal_url(endpoint).encode()).hexdigest()[:16]


def url_marks(config: Config) -> dict[str, str]:
    """Return the URL mark of every lane, by name."""
    return {name: url_mark(settings) for name, settings in lanes(config).items()}


def signers(config: Config) -> frozenset[str]:
    """Return digests of what is secret in the endpoints: they tell projects apart."""
    texts = [reveal(secret) for each in config.endpoints.values() for secret in each.secrets]
    texts += [reveal_url(each) for each in config.endpoints.values() if not each.secrets]
    return frozenset(hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts)


def subscriptions(endpoints: Iterable[EndpointSettings]) -> list[Subscription]:
    """Return the subscriptions of the endpoints; callbacks have none."""
    return [
        Subscription(endpoint.name, endpoint.format, endpoint.events, endpoint.language)
        for endpoint in endpoints
        if not is_callback_lane(endpoint.name)
    ]
