"""Drop-in files: each lists watches, and a broken one does not affect the others."""

from pathlib import Path

from notifier.config.references import Names
from notifier.config.settings import Config
from notifier.config.toml_file import read_toml
from notifier.config.watches import read_watches
from notifier.errors import ConfigError
from notifier.model.watch import Listing


def read_dropin(path: Path, config: Config) -> Listing:
    """Return what a drop-in lists, in its order.

    Raises ConfigError with everything that is wrong with it. An empty file is an error: shells and
    editors truncate a file before they write it, which must not withdraw its watches.
    """
    specs, findings = read_watches(read_toml(path, may_be_empty=False), Names.of(config))
    if findings:
        raise ConfigError([finding.problem(path) for finding in findings])
    return Listing(path.name, specs)
