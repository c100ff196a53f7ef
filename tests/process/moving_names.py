"""Host names whose addresses a test changes while a daemon runs.

The daemon's process resolves names by the operating system, which a test cannot change. So
Python loads a `sitecustomize` module first there, which answers for the names in a file.
"""

from dataclasses import dataclass
from pathlib import Path

_RESOLVER = '''\
"""Answers look-ups from a file of names and addresses that may change at any time."""

import socket
from pathlib import Path

_NAMES = Path(__file__).with_name("names")
_real = socket.getaddrinfo


def _look_up(host, *rest, **options):
    for line in _NAMES.read_text().splitlines():
        name, address = line.split()
        if name == str(host).removesuffix("."):
            host = address
    return _real(host, *rest, **options)


socket.getaddrinfo = _look_up
'''


@dataclass(frozen=True)
class MovingNames:
    """Names that a daemon resolves as the file in `folder` says."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "sitecustomize.py").write_text(_RESOLVER)

    @property
    def python_path(self) -> str:
        """The PYTHONPATH of a daemon that resolves these names."""
        return f"{self.folder}:{Path(__file__).parents[2]}"

    def move(self, name: str, address: str) -> None:
        """Have `name`, the only one, resolve to `address` from now on."""
        written = self.folder / "names.new"
        written.write_text(f"{name} {address}\n")
        written.rename(self.folder / "names")
