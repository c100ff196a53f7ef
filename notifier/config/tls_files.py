"""The certificate files of a gateway or an endpoint, read and checked as a whole."""

from dataclasses import dataclass, replace
from pathlib import Path

from notifier.config.bad_value import BadValueError
from notifier.config.files import read_regular_file
from notifier.config.secret_sources import Origin
from notifier.errors import NotifierError
from notifier.net import TlsMaterial, TlsMaterialError, make_context

MAX_AUTHORITIES = 4 * 1024 * 1024
"""Largest `ca_file`, in bytes; a system's whole bundle takes a quarter of a MiB."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificates of one peer are; `client_key` is None if `client_cert` holds both."""

    ca_file: Path | None = None
    client_cert: Origin | None = None
    client_key: Origin | None = None

    def without_client(self) -> "TlsFiles":
        """Return the same files without the client's certificate, for other hosts."""
        return replace(self, client_cert=None, client_key=None)

    @property
    def paths(self) -> list[Path]:
        """The files that an operator maintains, credentials of systemd left out."""
        named = (self.client_cert, self.client_key)
        origins = [each.file for each in named if each is not None]
        return [path for path in (self.ca_file, *origins) if path is not None]


class TlsFileError(NotifierError):
    """The file under `key` cannot be used; the text is a sentence that names the file."""

    def __init__(self, key: str, message: str, hint: str = "") -> None:
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message
        self.hint = hint


def read_tls(files: TlsFiles) -> TlsMaterial:
    """Return the contents of `files` as they are now; raises TlsFileError unless they are good."""
    material = TlsMaterial(
        ca=None if files.ca_file is None else _authorities(files.ca_file),
        certificate=_text("client_cert", files.client_cert),
        key=_text("client_key", files.client_key),
    )
    try:
        make_context(material)
    except TlsMaterialError as error:
        raise _named(error, files) from None
    return material


def _authorities(path: Path) -> bytes:
    try:
        return read_regular_file(path, MAX_AUTHORITIES)
    except BadValueError as error:
        raise TlsFileError("ca_file", f"file {path} {error}") from None


def _text(key: str, origin: Origin | None) -> bytes | None:
    if origin is None:
        return None
    try:
        return origin.read().encode()
    except BadValueError as error:
        raise TlsFileError(key, str(error), error.hint) from None


def _named(error: TlsMaterialError, files: TlsFiles) -> TlsFileError:
    """Return the error about a part as one about the key and the file that hold it."""
    if error.part == "ca":
        return TlsFileError("ca_file", f"file {files.ca_file} {error}")
    if error.part == "key" and files.client_key is not None:
        return TlsFileError("client_key", f"{files.client_key.source} {error}", _KEY_HINT)
    source = "" if files.client_cert is None else files.client_cert.source
    hint = _NO_KEY_HINT if error.part == "key" else ""
    return TlsFileError("client_cert", f"{source} {error}", hint)


_KEY_HINT = "`openssl pkey -in FILE` shows whether it can be read, and decrypts it"
_NO_KEY_HINT = "it must hold the key as well, unless client_key names its file"
