"""Writes and deletes the drop-in files of `notifier watch`; the daemon only reads them."""

import hashlib
import os
import re
import tomllib
from contextlib import suppress
from pathlib import Path

import tomli_w

from notifier.errors import NotifierError
from notifier.model.watch import WatchKey, WatchSpec

_READABLE = 0o644


def dropin_path(folder: Path, key: WatchKey) -> Path:
    """Return the file for `key`: its readable characters, and a digest that makes it unique."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{key.gateway}-{key.video_id}")[:60]
    digest = hashlib.sha256("\0".join(key).encode()).hexdigest()[:8]
    return folder / f"{readable}-{digest}.toml"


def write_dropin(folder: Path, spec: WatchSpec) -> Path:
    """Write the drop-in of `spec` atomically; return its path."""
    path = dropin_path(folder, spec.key)
    # a leading dot hides it from the daemon until it is complete
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fd = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _READABLE)
        with os.fdopen(fd, "wb") as file:
            tomli_w.dump({"watches": [watch_entry(spec)]}, file)
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(path)
    except OSError as error:
        with suppress(OSError):
            hidden.unlink()
        raise NotifierError(f"cannot write {path}: {error.strerror}") from None
    return path


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


def remove_dropin(path: Path) -> None:
    """Delete a drop-in that lists exactly one watch; raises NotifierError for any other."""
    try:
        listed = tomllib.loads(path.read_text(encoding="utf-8")).get("watches")
        if not isinstance(listed, list) or len(listed) != 1:
            raise NotifierError(f"{path} lists other watches too: edit it")
        path.unlink()
    except OSError as error:
        raise NotifierError(f"cannot delete {path}: {error.strerror}") from None
    except ValueError:
        raise NotifierError(f"{path} is broken: correct or delete it") from None
