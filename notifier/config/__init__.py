"""The configuration: read from TOML, checked once, then trusted.

`load` reports everything that is wrong at once. `resolve_secrets` reports secrets that cannot be
read, `check_certificates` certificates that cannot. `read_dropin` reads a drop-in file and
`Claims` decides which entries count where drop-ins contradict each other. No error repeats a
value of the config: any value may be a secret under the wrong key.
"""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.config.claims import Claims
    from notifier.config.dropins import read_dropin
    from notifier.config.durations import DurationError, format_duration, parse_duration
    from notifier.config.loading import load
    from notifier.config.paths import (
        StoreOwner,
        StorePlace,
        absolute_path,
        default_socket_path,
        default_store,
        find_config,
        is_system,
        private_folder,
    )
    from notifier.config.readiness import (
        check_certificates,
        obstacles,
        resolve_secrets,
        warnings,
    )
    from notifier.config.secrets import Secret, SecretError
    from notifier.config.settings import (
        ArchiveSettings,
        ClusterSettings,
        Config,
        EndpointSettings,
        GatewaySettings,
        HttpSettings,
        PassthroughSettings,
    )
    from notifier.config.urls import check_endpoint_url, is_loopback, literal_address
    from notifier.config.watches import check_watch
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "claims": ("Claims",),
            "dropins": ("read_dropin",),
            "durations": ("DurationError", "format_duration", "parse_duration"),
            "loading": ("load",),
            "paths": (
                "StoreOwner",
                "StorePlace",
                "absolute_path",
                "default_socket_path",
                "default_store",
                "find_config",
                "is_system",
                "private_folder",
            ),
            "readiness": ("check_certificates", "obstacles", "resolve_secrets", "warnings"),
            "secrets": ("Secret", "SecretError"),
            "settings": (
                "ArchiveSettings",
                "Config",
                "EndpointSettings",
                "GatewaySettings",
                "ClusterSettings",
                "ClusterSettings",
                "HttpSettings",
                "PassthroughSettings",
            ),
            "urls": ("check_endpoint_url", "is_loopback", "literal_address"),
            "watches": ("check_watch",),
        },
    )

__all__ = [
    "ArchiveSettings",
    "Claims",
    "ClusterSettings",
    "Config",
    "DurationError",
    "EndpointSettings",
    "GatewaySettings",
    "HttpSettings",
    "PassthroughSettings",
    "Secret",
    "SecretError",
    "StoreOwner",
    "StorePlace",
    "absolute_path",
    "check_certificates",
    "check_endpoint_url",
    "check_watch",
    "default_socket_path",
    "default_store",
    "find_config",
    "format_duration",
    "is_loopback",
    "is_system",
    "literal_address",
    "load",
    "obstacles",
    "parse_duration",
    "private_folder",
    "read_dropin",
    "resolve_secrets",
    "warnings",
]
