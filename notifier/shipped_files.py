"""The files that the package ships beside its code: examples, schema, units and alert rules.

A wheel holds them in its folder `notifier/shipped`; a checkout has them where people read them.
"""

from pathlib import Path

from notifier.errors import NotifierError

UNIT = "notifier.service"
"""The unit of the one service; `notifier@.service` is for several."""

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent
_FOLDERS = (_PACKAGE / "shipped", _CHECKOUT, _CHECKOUT / "systemd")


def shipped_file(name: str) -> Path:
    """Return where a shipped file is, such as `config.example.toml`.

    Raises NotifierError when neither the wheel's folder nor a checkout has it.
    """
    for folder in _FOLDERS:
        path = folder / name
        if path.is_file():
            return path
    raise NotifierError(f"{name} is not in {_FOLDERS[0]}: reinstall the package")


def unit_text(name: str = UNIT) -> str:
    """Return a unit as it is shipped, for a notifier in /opt/notifier."""
    return shipped_file(name).read_text(encoding="utf-8")
