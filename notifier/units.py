"""The text of the systemd units that are shipped with the package."""

from importlib.resources import files
from pathlib import Path

UNIT = "notifier.service"
"""The unit of the one service; `notifier@.service` is for several."""


def unit_text(name: str = UNIT) -> str:
    """Return a unit as it is shipped, for a notifier in /opt/notifier."""
    packaged = files("notifier") / "shipped" / name
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    # a checkout: the units are beside the package
    return (Path(__file__).parents[1] / "systemd" / name).read_text(encoding="utf-8")
