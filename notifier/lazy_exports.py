"""Exports of a package that are imported when they are first used (PEP 562).

A package that exports its parts eagerly makes every command import all of them. With
`lazy_exports`, `from notifier.store import open_reader` imports the reader and not the writer.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def lazy_exports(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """Return the `__getattr__` of `package`; `modules` has the exported names by module.

    The module names are relative to the package. No name may be that of a module: importing the
    module would put it in the name's place.
    """
    homes = {name: module for module, names in modules.items() for name in names}
    clashes = homes.keys() & modules.keys()
    if clashes:
        raise ImportError(f"{package} exports {clashes}, which are modules of it")

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return get
