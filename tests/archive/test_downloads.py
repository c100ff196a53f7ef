"""Copies of finished videos: whole, private, continued, bounded, tried until they expire."""

import errno
import hashlib
import os
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from notifier.archive import copier
from notifier.archive.downloads import IN_FLIGHT
from notifier.archive.folder import ArchiveFolder
from notifier.errors import StoreError
from notifier.gateway import ContentError, Part
from notifier.model.follow_up import ArchivedFile
from notifier.store.queries import EventFilter
from tests.archive.downloading import Archiving, Source, downloading
from tests.archive.gateways import HOUR
from tests.builders import memory_database

NOT_THERE = ContentError("the gateway answered 404")


async def test_a_copy_is_whole_private_and_described_in_its_event(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path / "archive")
    await life.complete("video_1", expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(1)
    copy, whole = life.copy("video_1"), life.source.whole("video_1")
    assert copy.read_bytes() == whole
    assert [copy.stat().st_mode & 0o777, copy.parent.stat().st_mode & 0o777] == [0o600, 0o700]
    assert await life.archive_of("video_1") == (
        "video.archived",
        {
            "path": str(copy),
            "bytes": len(whole),
            "sha256": hashlib.sha256(whole).hexdigest(),
            "content_type": "video/mp4",
        },
    )
    assert life.parts() == []
    assert life.storage.quota.held == len(whole)
    assert life.storage.quota.reserved == 0


async def test_content_that_is_not_there_yet_is_asked_for_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    busy = ContentError("the gateway answered 409")
    source = Source(refusals={"video_1": [NOT_THERE, busy, NOT_THERE]})
    life = Archiving(folder=tmp_path, source=source)
    await life.complete("video_1", expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(10)
        assert 2 <= len(source.opened) <= 4
        source.refusals.clear()
        await trio.sleep(30)
        assert (await life.archive_of("video_1"))[0] == "video.archived"


async def test_a_video_that_expires_before_it_is_fetched_is_given_up_with_the_last_reason(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path, source=Source(refusals={"video_1": [NOT_THERE]}))
    await life.complete("video_1", expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(23.9 * HOUR)
        assert await life.events("video.archive*") == []
        await trio.sleep(0.2 * HOUR)
        kind, archive = await life.archive_of("video_1")
        asked = len(life.source.opened)
        await trio.sleep(48 * HOUR)
    assert (kind, archive) == (
        "video.archive_failed",
        {"reason": "the video expired before it could be fetched: the gateway answered 404"},
    )
    assert len(life.source.opened) == asked < 24 * 6 * 1.3 + 10


async def test_a_video_of_unknown_expiry_is_tried_for_a_day(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path, source=Source(refusals={"video_1": [NOT_THERE]}))
    await life.complete("video_1", expires_in=None)
    async with downloading(life):
        await trio.sleep(23 * HOUR)
        assert await life.events("video.archive*") == []
        await trio.sleep(2 * HOUR)
        assert await life.events("video.archive_failed") == ["video_1"]


async def test_a_video_that_expired_while_the_daemon_was_off_has_one_last_attempt(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path, source=Source(refusals={"gone": [NOT_THERE]}))
    await life.complete("gone", "there", expires_in=HOUR)
    await trio.sleep(10 * HOUR)
    async with downloading(life):
        await trio.sleep(1)
    assert (await life.archive_of("gone"))[0] == "video.archive_failed"
    assert (await life.archive_of("there"))[0] == "video.archived"


async def test_a_wait_that_the_gateway_asks_for_is_kept_up_to_ten_minutes(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    source = Source(refusals={"video_1": [ContentError("503", wait=10**9)]})
    life = Archiving(folder=tmp_path, source=source)
    await life.complete("video_1", expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(450)
        assert len(source.opened) == 1
        await trio.sleep(300)
        assert len(source.opened) == 2


async def test_what_was_cut_short_is_continued_where_the_content_has_a_strong_etag(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path, source=Source(cuts={"video_1": [30_000, 60_000]}))
    await life.complete("video_1", expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(60)
    assert life.copy("video_1").read_bytes() == life.source.whole("video_1")
    parts = [part for _, part in life.source.opened]
    assert parts == [None, Part('"1"', 30_000), Part('"1"', 60_000)]
    assert life.storage.quota.held == 100_000


async def test_another_content_or_none_with_a_strong_etag_starts_over(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    source = Source(cuts={"video_1": [30_000], "video_2": [30_000]})
    life = Archiving(folder=tmp_path, source=source)
    await life.complete("video_1", expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(0.5)
        source.etag = '"2"'
        await trio.sleep(10)
        source.etag = None
        await life.complete("video_2", expires_in=24 * HOUR)
        await trio.sleep(0.5)
        assert life.parts() == []
        await trio.sleep(10)
    for video_id in ("video_1", "video_2"):
        assert life.copy(video_id).read_bytes() == source.whole(video_id)
    assert [part for _, part in source.opened] == [None, Part('"1"', 30_000), None, None]


async def test_a_part_that_is_shorter_than_what_was_synced_starts_over(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path, source=Source(cuts={"video_1": [30_000]}))
    await life.complete("video_1", expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(0.5)
        (part,) = life.parts()
        os.truncate(part, 1000)
        await trio.sleep(10)
    assert life.copy("video_1").read_bytes() == life.source.whole("video_1")
    assert life.source.opened[-1] == ("video_1", None)


async def test_what_was_written_behind_the_synced_bytes_before_a_crash_is_not_trusted(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copier, "_PIECE", 10_000)
    monkeypatch.setattr(copier, "SYNC_EVERY", 40_000)
    database = memory_database()
    life = Archiving(database, folder=tmp_path, source=Source(pause=1.0))
    await life.complete("video_1", expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(9)
    (part,) = life.parts()
    size = part.stat().st_size
    with part.open("r+b") as file:  # the power went: the last bytes never came to the disk
        file.seek(size - 5000)
        file.write(bytes(5000))
    later = Archiving(database, folder=tmp_path)
    async with downloading(later):
        await trio.sleep(10)
    assert later.copy("video_1").read_bytes() == later.source.whole("video_1")
    (_, known) = later.source.opened[0]
    assert known is not None
    assert 40_000 <= known.length < size


@pytest.mark.parametrize("renamed", [False, True])
async def test_a_whole_copy_of_before_a_crash_is_recognised_and_not_fetched_again(
    renamed: bool, tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path)
    await life.complete("video_1", expires_in=24 * HOUR)
    (download,) = await life.store.downloads("main", 1)
    whole, copy = life.source.whole("video_1"), life.copy("video_1")
    part = ArchiveFolder(tmp_path).part("main", download.watch.row)
    part.parent.mkdir()
    (copy if renamed else part).write_bytes(whole)
    digest = hashlib.sha256(whole).hexdigest()
    file = ArchivedFile(str(copy), len(whole), digest, "video/mp4")
    await life.store.record_fetched(download.watch.row, file)
    async with downloading(life):
        await trio.sleep(1)
    assert life.source.opened == []
    assert copy.read_bytes() == whole
    assert (await life.archive_of("video_1"))[0] == "video.archived"


async def test_a_copy_that_is_not_what_was_recorded_is_fetched_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path)
    await life.complete("video_1", expires_in=24 * HOUR)
    (download,) = await life.store.downloads("main", 1)
    copy = life.copy("video_1")
    copy.parent.mkdir()
    copy.write_bytes(bytes(100_000))
    file = ArchivedFile(str(copy), 100_000, "0" * 64, "video/mp4")
    await life.store.record_fetched(download.watch.row, file)
    async with downloading(life):
        await trio.sleep(1)
    assert copy.read_bytes() == life.source.whole("video_1")


@pytest.mark.parametrize("has_length", [True, False])
async def test_a_video_that_is_too_large_is_given_up_at_once_and_leaves_nothing(
    has_length: bool, tmp_path: Path, autojump_clock: MockClock
) -> None:
    source = Source(size=2_000_000, has_length=has_length)
    life = Archiving(folder=tmp_path, source=source)
    await life.complete("video_1", expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(60)
    assert await life.archive_of("video_1") == (
        "video.archive_failed",
        {"reason": "the video has more than max_bytes"},
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert (life.storage.quota.held, life.storage.quota.reserved) == (0, 0)


@pytest.mark.parametrize("has_length", [True, False])
async def test_a_full_archive_refuses_deletes_nothing_and_goes_on_when_there_is_room(
    has_length: bool, tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(
        folder=tmp_path, source=Source(has_length=has_length), max_total_bytes=250_000
    )
    await life.complete("video_1", "video_2", "video_3", expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(2 * HOUR)
        copies = sorted(tmp_path.glob("*/video_*"))
        assert len(copies) == 2
        assert life.parts() == []
        assert life.downloads.last_error == "the archive is full: it has max_total_bytes"
        copies[0].unlink()
        await trio.sleep(0.5 * HOUR)
        assert len(await life.events("video.archived")) == 3
    assert life.storage.quota.held == 200_000


@pytest.mark.parametrize(
    ("content_type", "reason"),
    [
        ("text/html", "the content is text/html, which is no video"),
        ("application/json", "the content is application/json, which is no video"),
        ("image/svg+xml", "the content is image/svg+xml, which is no video"),
    ],
)
async def test_pages_and_errors_are_not_kept_as_videos(
    content_type: str, reason: str, tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path, source=Source(content_type=content_type))
    await life.complete("video_1", expires_in=HOUR)
    async with downloading(life):
        await trio.sleep(2 * HOUR)
    assert (await life.archive_of("video_1"))[1]["reason"].endswith(reason)
    assert list(tmp_path.rglob("*.*")) == []


async def test_hostile_ids_stay_within_the_folder(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path / "archive")
    names = ["../../escaped", "/etc/passwd", "..%2fup", "a\\b", "x" * 500, "video.g2", "ü/..", "-"]
    await life.complete(*names, expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(5)
    assert await life.events("video.archived") == sorted(names)
    copies = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parent for path in copies} == {tmp_path / "archive" / "main"}
    wanted = sorted(life.source.whole(name) for name in names)
    assert sorted(path.read_bytes() for path in copies) == wanted


async def test_so_many_are_fetched_at_the_same_time_and_no_more(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path, source=Source(pause=1.0))
    names = [f"video_{number:02}" for number in range(3 * IN_FLIGHT)]
    await life.complete(*names, expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(5)
        assert len(life.downloads.progress) == IN_FLIGHT
        assert {each.total for each in life.downloads.progress} == {100_000}
        await trio.sleep(60)
    assert life.source.most_in_flight == IN_FLIGHT
    assert await life.events("video.archived") == names


async def test_a_full_disk_delays_a_copy_and_leaves_room_to_others(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, full = ArchiveFolder.open_part, [True]

    def open_part(folder: ArchiveFolder, part: Path, kept: int) -> object:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(folder, part, kept)

    monkeypatch.setattr(ArchiveFolder, "open_part", open_part)
    life = Archiving(folder=tmp_path)
    await life.complete("video_1", expires_in=24 * HOUR)
    async with downloading(life):
        await trio.sleep(60)
        said = "the archive cannot be written: No space left on device"
        assert life.downloads.last_error == said
        assert life.storage.quota.reserved == 0
        full.clear()
        await trio.sleep(120)
        assert (await life.archive_of("video_1"))[0] == "video.archived"


async def test_a_store_that_refuses_delays_the_event_and_the_copy_is_made_once(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    life = Archiving(folder=tmp_path)
    await life.complete("video_1", expires_in=24 * HOUR)
    real, refused = life.store.record_follow_up, list[int]()

    async def refuse(*args: object) -> bool:
        if len(refused) < 3:
            refused.append(1)
            raise StoreError("the disk is full")
        return await real(*args)  # type: ignore[arg-type]  # passed on

    life.store.record_follow_up = refuse  # type: ignore[method-assign, assignment]
    async with downloading(life):
        await trio.sleep(60)
        assert (await life.archive_of("video_1"))[0] == "video.archived"
    assert len(life.source.opened) == 1


async def test_crashes_at_any_moment_leave_one_event_and_a_whole_copy(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copier, "_PIECE", 10_000)
    monkeypatch.setattr(copier, "SYNC_EVERY", 20_000)
    database = memory_database()
    first = Archiving(database, folder=tmp_path)
    names = [f"video_{number}" for number in range(6)]
    await first.complete(*names, expires_in=24 * HOUR)
    for life_time in range(1, 40):
        life = Archiving(database, folder=tmp_path, source=Source(pause=0.1))
        async with downloading(life):
            await trio.sleep(life_time * 0.1)
    last = Archiving(database, folder=tmp_path)
    async with downloading(last):
        await trio.sleep(60)
    assert await last.events("video.archived") == names
    for name in names:
        assert last.copy(name).read_bytes() == last.source.whole(name)
    events = await last.store.events(EventFilter(type="video.archived"))
    assert len(events) == len(names)
