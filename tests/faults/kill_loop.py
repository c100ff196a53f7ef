"""SIGKILL at random moments, again and again, and nothing is lost.

`python -m tests.faults.kill_loop --kills 200 --seed 1` kills one daemon after the other, each a
moment after it was spawned or after it said that it had started, while new videos keep coming;
then it lets one live to the end. What receivers recorded is compared with what the gateway's
jobs did: each has one ending, and each that completed one notice of its expiry and one copy, whole
by its hash. The seed decides the videos, the receivers' moods and every moment.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import tomli_w
import trio
from standardwebhooks import Webhook

from notifier.http_server import Response
from notifier.sandbox.jobs import Ending
from tests.archive.contents import sha256
from tests.process.harness import Got, Receiver, World, eventually, running, world

ENDPOINTS = ("good", "flaky", "slow")
PATIENT = ["100ms"] * 5 + ["300ms"] * 40
_SLOWNESS = 0.4
_ENDINGS = {
    Ending.COMPLETED: "video.completed",
    Ending.FAILED: "video.failed",
    Ending.CANCELLED: "video.cancelled",
    Ending.LOST: "video.lost",
}
_COMPLETED = _ENDINGS[Ending.COMPLETED]
_FOLLOW_UPS = ("video.expiring", "video.archived")


@dataclass
class Verdict:
    """What a loop came to; `problems` is empty when nothing was lost or made up."""

    kills: int = 0
    killed_starting: int = 0
    events: int = 0
    posts: int = 0
    duplicates: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the figures in one line."""
        return (
            f"{self.kills} kills ({self.killed_starting} before the daemon had started), "
            f"{self.events} events for {len(ENDPOINTS)} endpoints, {self.posts} POSTs, "
            f"{self.duplicates} duplicates, {len(self.problems)} problems"
        )


class KillLoop:
    """One loop over one world; `seed` decides everything that is not the machine's speed.

    `receivers` are the endpoints by name, `verdict` is what has been found so far.
    """

    def __init__(self, w: World, seed: int) -> None:
        self._world = w
        self._rng = Random(seed)
        self._expected: dict[str, str] = {}
        self.receivers: dict[str, Receiver] = {}
        self._calm = False
        self._verified = dict.fromkeys(ENDPOINTS, 0)
        self.verdict = Verdict()

    async def run(self, kills: int, tell: Callable[[int], None] = lambda _: None) -> Verdict:
        """Kill so many daemons, let the last one finish, and judge."""
        await self._set_up()
        for number in range(kills):
            self.add_videos()
            await self._life()
            tell(number + 1)
        self._calm = True
        async with running(self._world.config_path) as daemon:
            await eventually(self._has_followed, "everything that follows an ending")
            await daemon.end()
        async with running(self._world.config_path, "--exit-when-done") as daemon:
            code = await daemon.exit_code()
        if code != 0:
            self.verdict.problems.append(f"the last life ended with {code}")
        self.check()
        return self.verdict

    async def _set_up(self) -> None:
        w = self._world
        self.receivers = {
            "good": await w.receiver(),
            "flaky": await w.receiver(answer=self._moody),
            "slow": await w.receiver(delay=_SLOWNESS),
        }
        for name, receiver in self.receivers.items():
            w.endpoint(receiver, name, retry_schedule=PATIENT, timeout="2s")
        w.gateway(expiry_notice="25h", archive=True)
        (w.folder / "watches.d").mkdir()
        w.save()

    def _moody(self, _: Got) -> Response | None:
        """Answer well, badly or not at all; None resets the connection after processing."""
        if self._calm:
            return Response(204, {}, b"")
        answers = [Response(204, {}, b""), Response(500, {}, b""), Response(429, {}, b""), None]
        return self._rng.choices(answers, [5, 3, 1, 2])[0]

    def add_videos(self) -> None:
        """Create a few jobs and list them in a file of their own."""
        watches = []
        for _ in range(self._rng.randrange(1, 4)):
            video_id = f"video_{len(self._expected)}"
            ending = self._rng.choices(list(_ENDINGS), [7, 2, 1, 1])[0]
            duration = self._rng.uniform(0.1, 3.0)
            self._world.sandbox.create(video_id=video_id, duration=duration, ending=ending)
            self._expected[video_id] = _ENDINGS[ending]
            watches.append({"video_id": video_id})
        target = self._world.folder / "watches.d" / f"{len(self._expected)}.toml"
        hidden = target.with_suffix(".new")
        hidden.write_text(tomli_w.dumps({"watches": watches}))
        hidden.rename(target)

    async def _life(self) -> None:
        """Let a daemon live for a moment, counted from its birth or from when it is ready."""
        ready = self._rng.random() < 0.6
        moment = self._rng.uniform(0, 0.8) if ready else self._rng.uniform(0.2, 1.2)
        async with running(self._world.config_path, started=ready) as daemon:
            await trio.sleep(moment)  # the moment is what is tested
            daemon.process.kill()
            await daemon.exit_code()
        self._check_signatures()
        self.verdict.kills += 1
        self.verdict.killed_starting += not ready

    def _has_followed(self) -> bool:
        """Tell whether each video that completed has all of its events at each endpoint."""
        completed = [video for video, ending in self._expected.items() if ending == _COMPLETED]
        return all(
            {got.event["data"]["id"] for got in receiver.got if got.event["type"] == kind}
            >= set(completed)
            for receiver in self.receivers.values()
            for kind in _FOLLOW_UPS
        )

    def check(self) -> None:
        """Compare what receivers recorded with what the jobs did."""
        self._check_signatures()
        by_video: dict[str, list[tuple[str, Got]]] = {}
        for name, receiver in self.receivers.items():
            for got in receiver.got:
                by_video.setdefault(got.event["data"]["id"], []).append((name, got))
        for video_id in by_video.keys() - self._expected.keys():
            self.verdict.problems.append(f"unexpected: {video_id}")
        for video_id, expected in self._expected.items():
            self._check_video(video_id, expected, by_video.get(video_id, []))
        self.verdict.events = len(self._expected)

    def _check_signatures(self) -> None:
        """Verify what has come since the last time: after five minutes it counts as replayed."""
        for name, receiver in self.receivers.items():
            for got in receiver.got[self._verified[name] :]:
                self._check_signature(name, got)
            self._verified[name] = len(receiver.got)

    def _check_signature(self, name: str, got: Got) -> None:
        try:
            Webhook(self._world.secret).verify(got.body, dict(got.headers))
        except Exception as error:  # noqa: BLE001 - whatever a verifier objects to
            self.verdict.problems.append(f"signature at {name}: {error!r}")

    def _check_video(self, video_id: str, expected: str, posts: list[tuple[str, Got]]) -> None:
        problems = self.verdict.problems
        for kind in _FOLLOW_UPS:
            following = [(name, got) for name, got in posts if got.event.get("type") == kind]
            self._check_follow_up(video_id, kind, expected == _COMPLETED, following)
        posts = [each for each in posts if each[1].event.get("type") not in _FOLLOW_UPS]
        received = Counter(name for name, _ in posts)
        problems += [f"lost: {video_id} at {name}" for name in ENDPOINTS if not received[name]]
        if len({got.id for _, got in posts}) > 1:
            problems.append(f"two events: {video_id}")
        if len({got.body for _, got in posts}) > 1:
            problems.append(f"changed bytes: {video_id}")
        if any(got.event["type"] != expected for _, got in posts):
            problems.append(f"wrong ending: {video_id} is {expected}")
        self.verdict.posts += len(posts)
        self.verdict.duplicates += len(posts) - len(received)

    def _check_follow_up(
        self, video_id: str, kind: str, wanted: bool, posts: list[tuple[str, Got]]
    ) -> None:
        """Find a follow-up that is missing, is there twice, or follows no completed ending."""
        problems, what = self.verdict.problems, f"{kind} of {video_id}"
        received = {name for name, _ in posts}
        if not wanted and posts:
            problems.append(f"unexpected: {what}")
        problems += [f"lost: {what} at {n}" for n in ENDPOINTS if wanted and n not in received]
        if len({(got.id, got.body) for _, got in posts}) > 1:
            problems.append(f"two events: {what}")
        if posts and kind == "video.archived":
            said = posts[0][1].event["watch"]["archive"]
            copy = Path(said["path"])
            if not copy.exists() or sha256(copy.read_bytes()) != said["sha256"]:
                problems.append(f"no copy: {video_id}")
        self.verdict.posts += len(posts)
        self.verdict.duplicates += len(posts) - len(received)


async def kill_loop(
    folder: Path, kills: int, seed: int, tell: Callable[[int], None] = lambda _: None
) -> Verdict:
    """Run a loop in an empty `folder`."""
    async with world(folder) as w:
        return await KillLoop(w, seed).run(kills, tell)


def main() -> int:
    """Run one loop as the arguments say; return 1 when something was lost or made up."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_loop")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    began = time.monotonic()

    def tell(done: int) -> None:
        print(f"\r{done}/{chosen.kills} kills", end="", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        verdict = trio.run(kill_loop, Path(folder), chosen.kills, chosen.seed, tell)
    print(f"\nseed {chosen.seed}: {verdict}; {time.monotonic() - began:.0f} s")
    for problem in verdict.problems:
        print(problem)
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
