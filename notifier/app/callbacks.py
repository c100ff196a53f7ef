"""Checks callback URLs, which programs name for the event of a single watch."""

from notifier.app.wiring import PUBLIC
from notifier.config import Config, check_endpoint_url, literal_address
from notifier.config.bad_value import BadValueError, which_name
from notifier.errors import ConfigError, Problem
from notifier.model.delivery import Format
from notifier.model.watch import Callback

_URL, _ENDPOINT = "callback_url", "callback_endpoint"


def check_callback(url: str | None, endpoint: str | None, config: Config) -> Callback | None:
    """Return the callback that a request asks for, None if it asks for none.

    Raises ConfigError. An IP address is checked here, a host name when it is connected to.
    """
    if url is None:
        if endpoint is not None:
            raise _refusal(_ENDPOINT, "is for a callback_url, and there is none")
        return None
    if not config.http.allow_callback_urls:
        raise _refusal(_URL, "is not allowed", "set [http] allow_callback_urls")
    try:
        check_endpoint_url(url)
    except BadValueError as error:
        raise _refusal(_URL, str(error), error.hint) from None
    address = literal_address(url)
    reason = None if address is None else PUBLIC.refusal(address)
    if reason is not None:
        raise _refusal(_URL, f"will never be connected to: it is {reason}")
    return Callback(url, _signer(endpoint, config))


def _signer(endpoint: str | None, config: Config) -> str:
    """Return the name of the endpoint whose secret signs the callback; raises ConfigError."""
    names = [each.name for each in config.endpoints.values() if each.format is Format.STANDARD]
    if endpoint is None and len(names) == 1:
        return names[0]
    if endpoint is not None and endpoint in names:
        return endpoint
    message = "is required" if endpoint is None else "is not the name of a signed endpoint"
    raise _refusal(_ENDPOINT, message, which_name(endpoint, names, "endpoint"))


def _refusal(key: str, message: str, hint: str = "") -> ConfigError:
    return ConfigError([Problem("watch", key, message, hint)])
