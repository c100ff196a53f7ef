"""The few kinds of error that cross a layer.

Each carries one sentence for a person; none carries a secret. Foreign exceptions are
translated into these once, in the module that meets them first.
"""

import errno
from dataclasses import dataclass


class NotifierError(Exception):
    """The base of every error that a command prints as one sentence.

    `exit_code` is what the process ends with when nobody handles it.
    """

    exit_code = 1


def unwrapped(group: BaseExceptionGroup[BaseException]) -> NotifierError | None:
    """Return the first NotifierError of what a nursery raised, None if there is anything else."""
    expected, unexpected = group.split(NotifierError)
    error: BaseException | None = None if unexpected is not None else expected
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, NotifierError) else None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration file.

    `where` is the file, `key` the path of the key inside it (empty when the file as a
    whole is meant), `hint` what would make it right (may be empty). `written` quotes the value
    where that may be shown, else it is empty.
    """

    where: str
    key: str
    message: str
    hint: str = ""
    written: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: {self.key}" if self.key else self.where
        tail = f" ({self.hint})" if self.hint else ""
        return f"{place}: {self.sentence}{tail}"

    @property
    def sentence(self) -> str:
        """The message together with the value that it is about, if that may be shown."""
        if not self.written:
            return self.message
        must = self.message.startswith("must")
        return f"{self.message}, not {self.written}" if must else f"{self.written} {self.message}"

    def fields(self) -> dict[str, str]:
        """Return the problem as the fields of a log line."""
        return {
            "file": self.where,
            "key": self.key,
            "reason": self.sentence,
            "hint": self.hint,
        }


class ConfigError(NotifierError):
    """A configuration that cannot be used; lists everything that is wrong with it."""

    exit_code = 78

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class StoreError(NotifierError):
    """The store could not do what was asked; what was committed before stays."""


class StoreRefusedError(StoreError):
    """The store's file may not be used by this process; `exit_code` says whose fault it is."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class OutdatedError(StoreRefusedError):
    """The store was changed by a newer notifier in a way that this one cannot work with."""

    def __init__(self, needed: int, known: int) -> None:
        super().__init__(
            f"the store was written by a newer notifier, and needs one of schema {needed} or "
            f"newer (this one knows {known}): run the newer one",
            exit_code=78,
        )


class InstanceRefusedError(NotifierError):
    """Another live instance has the same name."""

    exit_code = 78

    def __init__(self, name: str) -> None:
        super().__init__(
            f"another notifier runs as the instance {name}: stop it, or give this one a name of "
            "its own with [cluster] instance"
        )


class UnknownError(NotifierError):
    """Something was asked for that does not exist."""


class ConflictError(NotifierError):
    """What was asked for contradicts what is already so; nothing was changed."""


class TransportError(NotifierError):
    """An HTTP exchange that did not end in a whole answer.

    `kind` is one of the words in `notifier.http_client.KINDS`; `detail` is safe to log: it
    never holds a URL, a header or a body.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


class DeferredError(NotifierError):
    """An exchange that was not begun, because it would take what others need.

    `wait` is after how many seconds to try again.
    """

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.wait = wait


_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def whose_trouble(number: int | None, kind: str) -> str:
    """Return `kind` for trouble with a peer, "resources" for what this process lacks itself.

    `number` is the operating system's, such as EMFILE: no more file descriptors.
    """
    return "resources" if number in _OURS else kind
