"""The origins of a secret's text: the config itself, the environment, or a file.

An origin's `stamp` changes when `read` may return another text. The environment and systemd
credentials never change while a process runs; a file may be rotated.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from notifier.config.bad_value import BadValueError
from notifier.config.files import read_regular_file
from notifier.config.validators import refuse_tilde

MAX_BYTES = 64 * 1024
"""Largest file that can be a secret."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_FORMS = 'text, { env = "NAME" }, { file = "/path" } or { credential = "name" }'


class SecretSources(Protocol):
    """Where secrets can be looked up."""

    @property
    def folder(self) -> Path:
        """Return the folder of relative files."""

    @property
    def env(self) -> Mapping[str, str]:
        """Return the environment."""

    @property
    def credentials(self) -> Path | None:
        """Return the folder from which systemd takes an installed service's credentials."""


class ParseContext(NamedTuple):
    """Where secrets are looked up; passed to pydantic as its validation context."""

    folder: Path
    env: Mapping[str, str]
    credentials: Path | None = None
    """Where the credentials are that systemd will hand to the service; None for no service."""


class Origin(Protocol):
    """A source of a text.

    `source` names it for people; `file` is its path when an operator maintains that file.
    """

    @property
    def source(self) -> str:
        """Return a name such as `environment variable NAME`."""

    @property
    def file(self) -> Path | None:
        """Return the file, or None."""

    def stamp(self) -> object:
        """Return a value that differs from the last one if the text may have changed."""

    def read(self) -> str:
        """Return the text as it is now; raises BadValueError with a whole sentence."""


@dataclass(frozen=True, slots=True)
class LiteralOrigin:
    """The text itself, written in the config."""

    text: str = field(repr=False)
    file: None = None
    source: str = "the config file"

    def stamp(self) -> object:
        """Return a constant."""
        return None

    def read(self) -> str:
        """Return the text."""
        return self.text


@dataclass(frozen=True, slots=True)
class EnvironmentOrigin:
    """A variable of the process's environment."""

    name: str
    env: Mapping[str, str] = field(repr=False, compare=False)
    file: None = None

    @property
    def source(self) -> str:
        """Name the variable."""
        return f"environment variable {self.name}"

    def stamp(self) -> object:
        """Return a constant."""
        return None

    def read(self) -> str:
        """Return the variable; raises BadValueError when it is not set."""
        if self.name not in self.env:
            raise BadValueError(
                f"{self.source} is not set",
                "set it where notifier is started; a running daemon needs a restart to see it",
            )
        return self.env[self.name]


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """A file that may be replaced while the daemon runs."""

    file: Path

    @property
    def source(self) -> str:
        """Name the file."""
        return f"file {self.file}"

    def stamp(self) -> object:
        """Return what changes with every rewrite and every replacement."""
        try:
            status = self.file.stat()
        except OSError:
            return None
        # ctime: unlike mtime, editors and rsync cannot set it back
        return (status.st_ctime_ns, status.st_size, status.st_ino)

    def read(self) -> str:
        """Return the file's text; raises BadValueError when it has none that can be used."""
        return _read_text(self.file, self.source)


@dataclass(frozen=True, slots=True)
class CredentialOrigin:
    """A file that systemd provides for one run of the process.

    A command that root runs beside the service reads `installed`, the folder from which systemd
    takes the service's credentials.
    """

    name: str
    env: Mapping[str, str] = field(repr=False, compare=False)
    installed: Path | None = None
    file: None = None

    @property
    def source(self) -> str:
        """Name the credential."""
        return f"credential {self.name}"

    def stamp(self) -> object:
        """Return a constant."""
        return None

    def read(self) -> str:
        """Return the credential; raises BadValueError when the process was not given it."""
        folder = self.env.get("CREDENTIALS_DIRECTORY")
        if folder:
            return self._provided(Path(folder))
        if self.installed is not None:
            return self._installed(self.installed)
        raise BadValueError(
            f"{self.source} cannot be read: CREDENTIALS_DIRECTORY is not set",
            "systemd sets it for a unit with LoadCredential=",
        )

    def _installed(self, folder: Path) -> str:
        """Return the credential that systemd will hand over at the service's next start."""
        try:
            return _read_text(folder / self.name, f"{self.source} in {folder}")
        except BadValueError as error:
            hint = "only root can read that folder; restart the service after a change in it"
            raise BadValueError(str(error), hint) from None

    def _provided(self, folder: Path) -> str:
        """Return the credential that the process got at its start."""
        # LoadCredential= of a whole folder as `notifier` prefixes the names of its files
        prefixed = folder / f"notifier_{self.name}"
        path = prefixed if prefixed.exists() else folder / self.name
        if not path.exists():
            place = f"{self.installed} or " if self.installed else ""
            raise BadValueError(
                f"{self.source} was not there when the service started",
                f"put it into {place}LoadCredential=, then restart the service: "
                "systemd hands credentials over only at the start",
            )
        return _read_text(path, self.source)


def _read_text(path: Path, source: str) -> str:
    try:
        return read_regular_file(path, MAX_BYTES).decode()
    except UnicodeDecodeError:
        raise BadValueError(f"{source} is not UTF-8 text") from None
    except BadValueError as error:
        raise BadValueError(f"{source} {error}") from None


def read_origin(value: object, sources: SecretSources) -> Origin:
    """Return the origin that a value of the config describes; nothing is looked up yet.

    Raises BadValueError.
    """
    match value:
        case str():
            return LiteralOrigin(value)
        case {"env": str(name), **others} if not others:
            if not _VARIABLE.fullmatch(name):
                raise BadValueError("must name an environment variable", "such as APP_SECRET")
            return EnvironmentOrigin(name, sources.env)
        case {"file": str(name), **others} if not others:
            if not (name and name.isprintable()):
                raise BadValueError("must name a file")
            refuse_tilde(name)
            return FileOrigin(sources.folder / name)
        case {"credential": str(name), **others} if not others:
            if not _CREDENTIAL.fullmatch(name):
                raise BadValueError("must name a systemd credential", "not a path, just a name")
            return CredentialOrigin(name, sources.env, sources.credentials)
    raise BadValueError(f"must be {_FORMS}")


def read_pem_origin(value: object, sources: SecretSources) -> Origin:
    """Return the origin of a client's certificate or key: a path, or a credential of systemd.

    Raises BadValueError.
    """
    origin = read_origin({"file": value} if isinstance(value, str) else value, sources)
    if not isinstance(origin, FileOrigin | CredentialOrigin):
        raise BadValueError('must be a path or { credential = "name" }')
    return origin
