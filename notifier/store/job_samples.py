"""Job samples in SQL: how finished jobs went, a bounded number for each class of jobs.

The samples of a gateway that leaves the config are kept: it may come back.
"""

import json
from collections.abc import Sequence
from typing import Any, cast

from notifier import log
from notifier.model.job_sample import JobClass, JobSample
from notifier.store.codec import DAMAGE, dump_json
from notifier.store.connection import Connection

MOST_OF_A_CLASS = 150
"""How many samples of one class of jobs are kept, the newest."""

MOST_CLASSES = 1000
"""How many classes are kept; the one without a new sample for the longest goes first."""

_ALL = (1 << 63) - 1

_CLASS = "gateway = ? AND model = ? AND seconds = ? AND size = ?"


def add_all(db: Connection, samples: Sequence[tuple[JobSample, float]]) -> None:
    """Keep samples, each with its time, and remove the oldest of them and of classes."""
    if not samples:
        return
    db.executemany(
        "INSERT INTO job_samples (gateway, model, seconds, size, duration, gap, requests, "
        "readings, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *each.job_class,
                each.duration,
                each.gap,
                each.requests,
                dump_json(each.readings),
                now,
            )
            for each, now in samples
        ],
    )
    # in one order, so that two transactions never wait for each other
    classes = sorted({sample.job_class for sample, _ in samples})
    db.executemany(
        "INSERT INTO job_classes (gateway, model, seconds, size, last) "
        f"SELECT gateway, model, seconds, size, id FROM job_samples WHERE {_CLASS} "
        "ORDER BY id DESC LIMIT 1 "
        "ON CONFLICT (gateway, model, seconds, size) DO UPDATE SET last = excluded.last",
        classes,
    )
    db.executemany(
        f"DELETE FROM job_samples WHERE {_CLASS} AND id <= (SELECT id FROM job_samples WHERE "
        f"{_CLASS} ORDER BY id DESC LIMIT 1 OFFSET {MOST_OF_A_CLASS})",
        [(*each, *each) for each in classes],
    )
    _forget_classes(db)


def _forget_classes(db: Connection) -> None:
    """Remove the classes above MOST_CLASSES; asks for nothing, which would be a round trip."""
    unused = (
        "WHERE (SELECT count(*) FROM job_classes) > {most} AND ({columns}) IN (SELECT {columns} "
        "FROM job_classes ORDER BY last DESC LIMIT {all} OFFSET {most})"
    )
    bounds = {"most": MOST_CLASSES, "all": _ALL}
    samples = unused.format(columns="gateway, model, seconds, size", **bounds)
    db.execute(f"DELETE FROM job_samples {samples}")
    db.execute(f"DELETE FROM job_classes {unused.format(columns='last', **bounds)}")


def kept(db: Connection) -> list[JobSample]:
    """Return all samples, oldest first; damaged ones are left out."""
    return after(db, 0)[0]


def after(db: Connection, number: int, most: int = _ALL) -> tuple[list[JobSample], int]:
    """Return what came after the sample of a number, 0 for all, and the number of the newest.

    Only the newest `most`, oldest first; damaged ones are left out. A sample that is committed
    after one with a higher number was read is missed, which a forecast can bear.
    """
    rows = db.execute(
        "SELECT id, gateway, model, seconds, size, duration, gap, requests, readings "
        "FROM job_samples WHERE id > ? ORDER BY id DESC LIMIT ?",
        (number, most),
    ).fetchall()
    found, damaged = list[JobSample](), 0
    for _, *row in reversed(rows):
        try:
            found.append(_load(tuple(row)))
        except DAMAGE:
            damaged += 1
    if damaged:
        log.get().warning("job_samples_damaged", count=damaged)
    return found, rows[0][0] if rows else number


def _load(row: tuple[Any, ...]) -> JobSample:
    *names, duration, gap, requests, readings = row
    for name in names:
        name.encode()  # raises for bytes that were not UTF-8
    return JobSample(
        JobClass(*names),
        float(duration),
        float(gap),
        None if requests is None else int(requests),
        tuple((float(at), _progress(value)) for at, value in json.loads(readings)),
    )


def _progress(value: object) -> int:
    if value not in range(101):
        raise ValueError("no progress")
    return int(cast("int", value))
