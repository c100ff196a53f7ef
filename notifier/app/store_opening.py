"""Opens the store of a config when the daemon starts, also where it is not yet in its place.

The store of a project has a place that follows from the path of its config. After the project
was moved, its store is in the old place, and its config is gone from there. A new store would
end every watch again, so the start is refused until `--adopt` says that the store is to be
taken. A store without a config that signs with other secrets is another project's: it is only
mentioned.
"""

from collections.abc import Iterator
from pathlib import Path

from notifier import log
from notifier.app import wiring
from notifier.config import Config, is_system
from notifier.config.paths import StorePlace
from notifier.errors import StoreRefusedError
from notifier.store import (
    StoreInUseError,
    record_signers,
    recorded_config,
    recorded_signers,
)
from notifier.store.access import engine_of
from notifier.store.engine import Engine
from notifier.store.ownership import owner_of, record_owner

_MISUSE = 78


def open_store(config: Config, *, adopt: bool) -> Engine:
    """Open the store of `config`; raises StoreRefusedError, StoreError.

    With `adopt` a store that belongs to another config is taken over, and so is that of a project
    that was moved.
    """
    if config.store.url is not None:
        return _open_database(config, adopt=adopt)
    path = config.store_path
    if config.store.is_shared:
        log.get().info("store_at_old_path", store=str(path))
    elif config.store.root is not None and not path.exists():
        _find_moved(config, config.store.root, adopt=adopt)
    database = _open(config.store, config, adopt=adopt)
    signers = wiring.signers(config)
    try:
        if recorded_signers(path) != signers:
            database.transact(record_signers, signers)
    except BaseException:
        database.close()
        raise
    return database


def _open_database(config: Config, *, adopt: bool) -> Engine:
    """Open the store in PostgreSQL, unless it holds the state of another project."""
    if adopt:
        raise StoreRefusedError(
            "--adopt takes over a file, and [store] url names a database", exit_code=_MISUSE
        )
    database = _open(config.store, config, adopt=False)
    try:
        signers = wiring.signers(config)
        _refuse_project(*database.transact(owner_of), config, signers)
        database.transact(record_owner, signers, config.path)
    except BaseException:
        database.close()
        raise
    return database


def _refuse_project(
    known: frozenset[str], owner: str, config: Config, signers: frozenset[str]
) -> None:
    """Raise StoreRefusedError for the state of a project with another config and other secrets."""
    if known and signers and not known & signers and owner != str(config.path):
        raise StoreRefusedError(
            f"the database holds the state of {owner}, which signs with other secrets: give each "
            "project a database or a schema of its own",
            exit_code=_MISUSE,
        )


def _open(place: StorePlace, config: Config, *, adopt: bool) -> Engine:
    path = place.path
    try:
        return engine_of(place, config.path, reveal=wiring.reveal_store_url, adopt=adopt)
    except StoreInUseError as error:
        owner = recorded_config(path) or config.path
        stop = f"kill {error.pid}"
        if is_system(owner):
            unit = "notifier" if owner.name == "config.toml" else f"notifier@{owner.stem}"
            stop = f"systemctl stop {unit}"
        raise StoreRefusedError(
            f"notifier is already running on {owner} (pid {error.pid}, store {path}); to apply a "
            f"changed config: notifier reload -c {owner}; to stop it: {stop}"
        ) from None


def _find_moved(config: Config, root: Path, *, adopt: bool) -> None:
    """Take, refuse or mention stores whose config is gone."""
    left = dict(_left_behind(root, config.path))
    signers = wiring.signers(config)
    same = [path for path in left if recorded_signers(path) & signers]
    candidates = same or list(left)
    if adopt and candidates:
        _take(_only(candidates, config), config)
    elif same:
        raise StoreRefusedError(
            f"this project seems to have been moved: {same[0]} holds the state of "
            f"{left[same[0]]}, which is gone, and signs with the same secret; take it over with "
            f"notifier run --adopt -c {config.path}, or begin anew by moving that store away",
            exit_code=_MISUSE,
        )
    elif left:
        hint = (
            "if this project was moved: stop it, move its new store away, and start with --adopt"
        )
        log.get().warning("stores_without_config", stores=[str(path) for path in left], hint=hint)


def _left_behind(root: Path, config: Path) -> Iterator[tuple[Path, Path]]:
    """Yield every store whose config is gone, with that config."""
    for path in (root / "notifier.db", *sorted(root.glob("*/notifier.db"))):
        owner = recorded_config(path)
        # its own in another place: an adoption was cut off before the store was moved
        if owner is not None and (owner == config or _is_gone(owner)):
            yield path, owner


def _is_gone(path: Path) -> bool:
    try:
        return not path.exists()
    except OSError:  # a folder above is closed to this user
        return False


def _only(candidates: list[Path], config: Config) -> Path:
    if len(candidates) > 1:
        names = ", ".join(map(str, candidates))
        raise StoreRefusedError(
            f"--adopt cannot tell which store to take: {names}; "
            f"move the right one to {config.store_path}",
            exit_code=_MISUSE,
        )
    return candidates[0]


def _take(path: Path, config: Config) -> None:
    """Make a store that of `config`, and move it to its place."""
    owner = recorded_config(path)
    # closed at once: that leaves one file, whose move is whole or nothing
    _open(StorePlace(path), config, adopt=True).close()
    target = config.store_path
    try:
        if path.parent == config.store.root:
            _refuse_log(path)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            path.rename(target)
        else:
            path.parent.rename(target.parent)
    except OSError as error:
        raise StoreRefusedError(
            f"cannot move {path} to {target}: {error.strerror}", exit_code=_MISUSE
        ) from None
    log.get().info("store_adopted", store=str(target), was_at=str(path), config_was=str(owner))


def _refuse_log(path: Path) -> None:
    """Raise StoreRefusedError while the store has a log, which another reader keeps open."""
    log_file = path.with_name(f"{path.name}-wal")
    if log_file.exists() and log_file.stat().st_size:
        raise StoreRefusedError(f"another program reads {path}: try again when it has ended")
