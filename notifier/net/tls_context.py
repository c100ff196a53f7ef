"""TLS contexts for clients, built from the contents of certificate files.

A context depends on these contents alone. So a file that is renewed under its old name gives
another `TlsMaterial`, and whoever compares two of them compares what the files held.
"""

import os
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, Literal
from weakref import WeakValueDictionary

Part = Literal["ca", "certificate", "key"]

_RECENT = 4
# OpenSSL's reasons for text that it could not read as PEM; it gives none in most cases
_NOT_PEM = frozenset({None, "BAD_END_LINE", "BAD_BASE64_DECODE", "NO_START_LINE"})


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """The contents of PEM files.

    `ca` are certificates that are trusted beside the system's. `certificate` is the client's,
    followed by intermediate ones; it may hold the private key as well, else `key` does.
    """

    ca: bytes | None = None
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)


SYSTEM_TRUST = TlsMaterial()
"""The system's certificates alone."""


class TlsMaterialError(ValueError):
    """A `part` that cannot be used; the text finishes a sentence that starts with its file."""

    def __init__(self, part: Part, message: str) -> None:
        super().__init__(message)
        self.part = part


# Building a context takes 20 ms and 0.8 MiB, so it is shared. One that no client uses any more is
# given up, or renewed files would add up; the recent ones are kept, as a check comes before a use.
_contexts: WeakValueDictionary[TlsMaterial, ssl.SSLContext] = WeakValueDictionary()
_recent: deque[ssl.SSLContext] = deque(maxlen=_RECENT)


def make_context(material: TlsMaterial) -> ssl.SSLContext:
    """Return a context that verifies servers, and presents the client's certificate if any.

    Raises TlsMaterialError.
    """
    context = _contexts.get(material)
    if context is None:
        context = _contexts[material] = _build(material)
    _recent.append(context)
    return context


def _build(material: TlsMaterial) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if material.ca is not None and not _loads_authorities(context, material.ca):
        raise TlsMaterialError("ca", "holds no certificates in PEM, or a broken one")
    if material.certificate is not None:
        _load_identity(context, material.certificate, material.key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _loads_authorities(context: ssl.SSLContext, pem: bytes) -> bool:
    with _as_file(pem) as path:
        try:
            context.load_verify_locations(path)
        except ssl.SSLError:
            return False
    return True


def _load_identity(context: ssl.SSLContext, certificate: bytes, key: bytes | None) -> None:
    with _as_file(certificate) as certificate_path, _as_file(key or certificate) as key_path:
        try:
            context.load_cert_chain(certificate_path, key_path, _refuse_to_decrypt)
        except ssl.SSLError as error:
            raise _explained(error, certificate) from None


def _refuse_to_decrypt() -> str:
    # without this function OpenSSL would ask for a password on the terminal
    raise TlsMaterialError("key", "holds an encrypted key, and a daemon has no password for it")


def _explained(error: ssl.SSLError, certificate: bytes) -> TlsMaterialError:
    """Return which file is to blame: OpenSSL's error does not tell."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return TlsMaterialError("key", "holds a key that does not belong to the certificate")
    if not _loads_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate):
        return TlsMaterialError("certificate", "holds no certificate in PEM, or a broken one")
    if error.reason in _NOT_PEM:
        return TlsMaterialError("key", "holds no private key in PEM, or a broken one")
    reason = str(error.reason).replace("_", " ").lower()
    return TlsMaterialError("certificate", f"cannot be used: {reason}")


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """Yield the path of a file with `content`, as OpenSSL takes keys; in memory on Linux."""
    with _temporary_file() as file:
        file.write(content)
        file.seek(0)
        yield f"/dev/fd/{file.fileno()}"


def _temporary_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("pem"), "w+b")
    return TemporaryFile()
