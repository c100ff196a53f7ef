"""The daemon under load and faults for as long as one likes: nothing may grow.

`python -m tests.faults.soak --minutes 20 --seed 1` runs a real daemon beside a gateway that
spoils one answer in eight and receivers that fail, reset and hang, while files with videos come
and go. One endpoint moves to another address with other certificates every few seconds. Some
videos bring a callback, to receivers good and bad, if the machine lets root make a network
namespace. Every two seconds it reads the daemon's memory, descriptors, threads and write-ahead log
from the outside. The first quarter is for warming up; of the rest, the last third must look like
the first.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from random import Random
from statistics import median

import tomli_w
import trio

from notifier.http_server import Response
from notifier.sandbox.faults import Fault
from notifier.sandbox.jobs import Ending
from tests.control.client import Api, api_of
from tests.faults.soak_callbacks import Callbacks, has_a_public_address, with_a_public_address
from tests.faults.soak_rotation import Rotation, rotation
from tests.process.harness import Daemon, Got, World, eventually, running, world

FAULTS = ("500:0.03", "429:0.01", "html:0.02", "broken-json:0.02", "reset:0.03", "slow:0.02")
SPEED = 20.0
"""The sandbox's speed: an answer that is slow takes half a second."""

_EVERY = 2.0
_ARRIVALS = 0.5
_CALLING = 0.4
_ENDINGS = (Ending.COMPLETED, Ending.FAILED, Ending.CANCELLED)
_MIB = 1024.0 * 1024.0
_MAX_WAL = 20 * _MIB


@dataclass(frozen=True, slots=True)
class Sample:
    """What the daemon used at one moment; sizes in bytes."""

    rss: float
    descriptors: float
    threads: float
    wal: float


_SLACK = Sample(rss=8 * _MIB, descriptors=12, threads=4, wal=_MAX_WAL)
_SHARE = 0.1


def sample(pid: int, store: Path) -> Sample:
    """Look at a process from the outside."""
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if ":\t" in line
    )
    log = store.with_name(store.name + "-wal")
    return Sample(
        rss=int(status["VmRSS"].split()[0]) * 1024,
        descriptors=sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
        threads=int(status["Threads"]),
        wal=log.stat().st_size if log.exists() else 0,
    )


def growth(samples: Sequence[Sample]) -> list[str]:
    """Return what the last third has more of than the first, once it was warm."""
    warm = samples[len(samples) // 4 :]
    third = max(len(warm) // 3, 1)
    found = []
    for each in fields(Sample):
        before = median(getattr(one, each.name) for one in warm[:third])
        after = median(getattr(one, each.name) for one in warm[-third:])
        if after > before * (1 + _SHARE) + getattr(_SLACK, each.name):
            found.append(f"{each.name} grew from {before:,.0f} to {after:,.0f}")
    if max(one.wal for one in samples) > _MAX_WAL:
        found.append("wal, the write-ahead log, is over 20 MiB")
    return found


@dataclass
class Verdict:
    """A soak's result; `problems` is empty when nothing grew and nothing was lost."""

    samples: list[Sample] = field(default_factory=list)
    videos: int = 0
    posts: int = 0
    rotations: int = 0
    callbacks: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the figures in a few lines."""
        warm = self.samples[len(self.samples) // 4 :]
        third = max(len(warm) // 3, 1)
        counts = [
            f"{self.videos} videos, {self.posts} POSTs, {self.rotations} rotations",
            f"{self.callbacks or 'no'} callbacks, {len(self.samples)} samples",
        ]
        lines = [", ".join(counts)]
        for each in fields(Sample):
            values = [getattr(one, each.name) for one in warm]
            lines.append(
                f"  {each.name:<12} first third {median(values[:third]):>12,.0f}   "
                f"last third {median(values[-third:]):>12,.0f}   most {max(values):>12,.0f}"
            )
        return "\n".join(lines + self.problems)


class Soak:
    """One soak over one world; `seed` decides videos and faults."""

    def __init__(self, w: World, rotating: Rotation, seed: int) -> None:
        self._world = w
        self._rotating = rotating
        self._rng = Random(seed)
        self._callbacks = Callbacks(self._rng)
        self._calling = has_a_public_address()
        self._videos: list[str] = []
        self._told: set[str] = set()
        self._files: dict[Path, set[str]] = {}
        self._verdict = Verdict()

    async def run(self, seconds: float, tell: Callable[[float], None]) -> Verdict:
        """Load a daemon for so long, let it finish, and judge."""
        await self._set_up()
        path = self._rotating.python_path
        async with running(self._world.config_path, PYTHONPATH=path) as daemon:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._rotating.run, daemon)
                await self._load(daemon, seconds, tell)
                nursery.cancel_scope.cancel()
            await eventually(self._all_told, "every event where it can arrive")
            if await daemon.end() != 0:
                self._verdict.problems.append("the daemon did not end well")
        self._verdict.videos = len(self._videos)
        self._verdict.rotations = self._rotating.count
        self._verdict.callbacks = self._callbacks.added
        self._verdict.problems += growth(self._verdict.samples) + self._too_little(seconds)
        self._verdict.problems += self._rotating.problems(daemon) + self._callbacks.problems()
        if "Traceback" in daemon.log_path.read_text():
            self._verdict.problems.append("there is a traceback in the log")
        return self._verdict

    def _too_little(self, seconds: float) -> list[str]:
        """Return what there was too little of for a verdict."""
        enough = {
            "videos": len(self._videos) > seconds / 2,
            "samples": len(self._verdict.samples) > seconds / 8,
            "rotations": self._rotating.count > 0,
            "callbacks": not self._calling or bool(self._callbacks.told),
        }
        return [f"there were hardly any {name}" for name, is_so in enough.items() if not is_so]

    async def _set_up(self) -> None:
        w = self._world
        patient = {"retry_schedule": ["1s"] * 50}
        w.endpoint(await w.receiver(before_answer=self._note), "good", **patient)
        short = {"retry_schedule": ["1s", "2s"], "timeout": "1s"}
        w.endpoint(await w.receiver(answer=self._moody), "flaky", **short)
        w.endpoint(await w.receiver(answer=None), "hole", events=["video.failed"], **short)
        self._rotating.configure()
        if self._calling:
            await self._callbacks.set_up(w)
        w.config["store"] = {"path": str(w.store_path), "retention": "1m"}
        (w.folder / "watches.d").mkdir()
        w.save()

    def _note(self, got: Got) -> None:
        self._told.add(got.event["data"]["id"])
        self._verdict.posts += 1

    def _moody(self, _: Got) -> Response | None:
        answers = [Response(204, {}, b""), Response(500, {}, b"x" * 100_000), None]
        return self._rng.choices(answers, [6, 2, 1])[0]

    async def _load(self, daemon: Daemon, seconds: float, tell: Callable[[float], None]) -> None:
        api = api_of(daemon) if self._calling else None
        began = trio.current_time()
        look_at = began
        while trio.current_time() < began + seconds:
            await trio.sleep(_ARRIVALS)
            self._change_files()
            if api is not None and self._rng.random() < _CALLING:
                await self._call_back(api)
            if trio.current_time() >= look_at:
                self._verdict.samples.append(sample(daemon.process.pid, self._world.store_path))
                look_at += _EVERY
                tell((trio.current_time() - began) / seconds)

    def _change_files(self) -> None:
        """List a few new videos, and remove the files whose videos have all been reported."""
        ids = [self._begin() for _ in range(self._rng.randrange(3))]
        if ids:
            target = self._world.folder / "watches.d" / f"{ids[0]}.toml"
            hidden = target.with_suffix(".new")
            entries = [{"video_id": video_id} for video_id in ids]
            hidden.write_text(tomli_w.dumps({"watches": entries}))
            hidden.rename(target)
            self._files[target] = set(ids)
        for path, listed in list(self._files.items()):
            if listed <= self._told:
                path.unlink()
                del self._files[path]

    def _begin(self) -> str:
        """Start a job that will end in seconds; return its id."""
        video_id = f"video_{len(self._videos)}"
        self._world.sandbox.create(
            video_id=video_id,
            duration=self._rng.uniform(0.2, 8) * SPEED,
            ending=self._rng.choice(_ENDINGS),
        )
        self._videos.append(video_id)
        return video_id

    async def _call_back(self, api: Api) -> None:
        problem = await self._callbacks.add(api, self._begin())
        if problem:
            self._verdict.problems.append(problem)

    def _all_told(self) -> bool:
        everywhere = self._told & self._rotating.told
        return set(self._videos) <= everywhere and self._callbacks.good <= self._callbacks.told


async def soak(
    folder: Path, seconds: float, seed: int, tell: Callable[[float], None] = lambda _: None
) -> Verdict:
    """Run a soak in an empty `folder`."""
    faults = [Fault.parse(text) for text in FAULTS]
    sandbox = {"faults": faults, "speed": SPEED, "rng": Random(seed)}
    async with world(folder, **sandbox) as w, rotation(w) as rotating:
        return await Soak(w, rotating, seed).run(seconds, tell)


def main() -> int:
    """Run one soak as the arguments say; return 1 when something grew or was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    inside = with_a_public_address([sys.executable, "-m", "tests.faults.soak", *sys.argv[1:]])
    if not has_a_public_address() and inside[0] != sys.executable:
        os.execvp(inside[0], inside)  # noqa: S606 - a command of our own, without a shell

    def tell(share: float) -> None:
        print(f"\r{share:4.0%}", end="", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        verdict = trio.run(soak, Path(folder), chosen.minutes * 60, chosen.seed, tell)
    print(f"\nseed {chosen.seed}, {chosen.minutes:g} minutes: {verdict}")
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
