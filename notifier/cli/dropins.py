"""Writes and deletes the drop-in files of `notifier watch`; the daemon only reads them.

A few watches get a file each. Many that are added at once share one file, which is written
atomically; it starts with `_MARK`, because only such a file is rewritten later.
"""

import hashlib
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomli_w

from notifier.errors import NotifierError
from notifier.model.watch import WatchKey, WatchSpec

_READABLE = 0o644
_MARK = "# Written by `notifier watch add`, which rewrites it when its watches change.\n"
_MOST_FILES = 16


def dropin_path(folder: Path, key: WatchKey) -> Path:
    """Return the file for `key`: its readable characters, and a digest that makes it unique."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{key.gateway}-{key.video_id}")[:60]
    return folder / f"{readable}-{_digest([key])}.toml"


def _digest(keys: Iterable[WatchKey]) -> str:
    return hashlib.sha256("\0".join("\0".join(key) for key in keys).encode()).hexdigest()[:8]


def write_dropins(folder: Path, specs: Sequence[WatchSpec]) -> list[Path]:
    """List new watches in drop-ins; return the file of each. Raises NotifierError."""
    if len(specs) > _MOST_FILES:
        path = folder / f"{len(specs)}-watches-{_digest(spec.key for spec in specs)}.toml"
        _write(path, [watch_entry(spec) for spec in specs], mark=True)
        return [path] * len(specs)
    paths = [dropin_path(folder, spec.key) for spec in specs]
    for path, spec in zip(paths, specs, strict=True):
        _write(path, [watch_entry(spec)], mark=False)
    return paths


def is_rewritable(path: Path) -> bool:
    """Return whether `path` is a drop-in that `notifier watch add` wrote for many watches."""
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
        return file.readline() == _MARK
    return False


def update_dropin(path: Path, specs: Collection[WatchSpec]) -> None:
    """Give the watches of `specs` in a rewritable drop-in other settings."""
    changed = {spec.key: watch_entry(spec) for spec in specs}
    _write(path, [changed.get(_key(entry), entry) for entry in _read(path)], mark=True)


def _write(path: Path, entries: Sequence[Mapping[str, Any]], *, mark: bool) -> None:
    """Write a drop-in atomically."""
    # a leading dot hides it from the daemon until it is complete
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _READABLE)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write((_MARK if mark else "") + tomli_w.dumps({"watches": entries}))
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(path)
    except OSError as error:
        with suppress(OSError):
            hidden.unlink()
        reason = f"cannot write {path}: {error.strerror}"
        remedy = "where no daemon runs, watch_dir must be a folder that this user may write to"
        raise NotifierError(f"{reason}; {remedy}") from None


def watch_entry(spec: WatchSpec) -> dict[str, object]:
    """Return `spec` as an entry of `[[watches]]`."""
    entry: dict[str, object] = {"video_id": spec.key.video_id, "gateway": spec.key.gateway}
    if spec.endpoints is not None:
        entry["endpoints"] = list(spec.endpoints)
    if spec.metadata:
        entry["metadata"] = dict(spec.metadata)
    if spec.give_up_after is not None:
        entry["give_up_after"] = spec.give_up_after
    if spec.generation > 1:
        entry["generation"] = spec.generation
    return entry


def remove_from_dropin(path: Path, keys: Collection[WatchKey]) -> bool:
    """Take the watches of `keys` out of a drop-in; return whether the file is deleted.

    Raises NotifierError for a file that lists other watches and was not written by this module.
    """
    try:
        entries = _read(path)
        left = [entry for entry in entries if _key(entry) not in keys] if len(entries) > 1 else []
        if not left:
            path.unlink()
            return True
    except OSError as error:
        raise NotifierError(f"cannot delete {path}: {error.strerror}") from None
    if not is_rewritable(path):
        raise NotifierError(f"{path} lists other watches too: edit it")
    _write(path, left, mark=True)
    return False


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("watches")
    except ValueError:
        entries = None
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise NotifierError(f"{path} is broken: correct or delete it")
    return entries


def _key(entry: Mapping[str, Any]) -> WatchKey:
    """Return the identity of an entry; the gateway is empty where the file leaves it out."""
    return WatchKey(str(entry.get("gateway", "")), str(entry.get("video_id", "")))
