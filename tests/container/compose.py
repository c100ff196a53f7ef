"""Reads compose.yaml as far as it goes here: services with what they run, mount and wait for."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.container.dockerfile import CHECKOUT


@dataclass(frozen=True, slots=True)
class Service:
    """One service, with its variables filled in."""

    name: str
    settings: Mapping[str, Any]

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that it adds to the image's."""
        found: Mapping[str, str] = self.settings.get("environment", {})
        return found

    def command(self, image: Mapping[str, Any]) -> list[str]:
        """Return what it runs; `image` has the entrypoint and command of the image."""
        entrypoint = self.settings.get("entrypoint", image["Entrypoint"])
        # another entrypoint drops the image's command
        default = [] if "entrypoint" in self.settings else image["Cmd"]
        return [*entrypoint, *map(str, self.settings.get("command", default))]

    def volumes(self, named: Path) -> list[tuple[Path, str, bool]]:
        """Return source, target and whether it may be written; `named` holds named volumes."""
        found = []
        for text in self.settings.get("volumes", ()):
            source, target, *options = text.split(":")
            place = CHECKOUT / source if source.startswith(".") else named / source
            found.append((place, target, options != ["ro"]))
        return found


def services(environment: Mapping[str, str] | None = None) -> dict[str, Service]:
    """Return every service of compose.yaml by name."""
    text = (CHECKOUT / "compose.yaml").read_text()
    variables = os.environ if environment is None else environment
    filled = re.sub(
        r"\$\{(\w+)(?::-([^}]*))?\}", lambda found: variables.get(found[1]) or found[2], text
    )
    parsed = yaml.safe_load(filled)["services"]
    return {name: Service(name, settings) for name, settings in parsed.items()}
