"""Jobs that end when a test ends them, however slow the machine is."""

from tests.process.harness import World

ENDLESS = 24 * 3600.0


def begin(w: World, *video_ids: str) -> None:
    """Start watched jobs that go on until `finish`."""
    for video_id in video_ids:
        w.sandbox.create(video_id=video_id, duration=ENDLESS)
        w.watch(video_id)


def finish(w: World, video_id: str) -> None:
    """Complete a job."""
    w.sandbox.create(video_id=video_id, duration=0.001)
