"""Several `notifier run` on one database, each with a config and a state folder of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import tomli_w

from tests.faults.jobs import ENDLESS
from tests.postgres import Server
from tests.process.harness import Daemon, Receiver, World, notifier, running, world

LEASE = "5s"


@dataclass
class Cluster:
    """The machines around one database; `world` has what all configs have in common."""

    world: World
    url: str

    def config(self, name: str) -> Path:
        """Write the config of an instance."""
        folder = self.world.folder / name
        folder.mkdir(exist_ok=True)
        path = folder / "config.toml"
        config = {
            **self.world.config,
            "store": {"url": {"env": "STORE_URL"}},
            "cluster": {"instance": name, "lease": LEASE},
        }
        path.write_text(tomli_w.dumps(config), encoding="utf-8")
        path.chmod(0o600)
        return path

    def env(self, name: str) -> dict[str, Any]:
        """Return the environment of an instance."""
        return {"STATE_DIRECTORY": str(self.world.folder / name / "state"), "STORE_URL": self.url}

    @asynccontextmanager
    async def running(self, name: str) -> AsyncIterator[Daemon]:
        """Run an instance for as long as the block lasts."""
        async with running(self.config(name), **self.env(name)) as daemon:
            yield daemon

    async def add(self, by: str, *video_ids: str) -> None:
        """Begin jobs, and watch them through the control API of an instance."""
        for video_id in video_ids:
            self.world.sandbox.create(video_id=video_id, duration=ENDLESS)
        config = self.world.folder / by / "config.toml"
        added = await notifier("watch", "add", *video_ids, "-c", config, env=self.env(by))
        assert added.returncode == 0, added.stderr

    def spread(self) -> None:
        """Have each watch from now on in a shard of its own, as if there were thousands."""
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute("ALTER TABLE watches ALTER COLUMN id SET INCREMENT BY 1024")

    def taken(self) -> Mapping[str, float]:
        """Return when each watch was taken, in Unix seconds, by the id of its video."""
        with psycopg.connect(self.url, autocommit=True) as db:
            return dict(db.execute("SELECT video_id, taken_at FROM watches").fetchall())

    def shards(self) -> Mapping[str, int]:
        """Return how many shards each instance owns."""
        with psycopg.connect(self.url, autocommit=True) as db:
            rows = db.execute(
                "SELECT i.name, count(l.name) FROM instances i LEFT JOIN leases l "
                "ON l.owner = i.id AND l.kind = 'watch' GROUP BY i.name"
            )
            return dict(rows.fetchall())


@asynccontextmanager
async def cluster(folder: Path, server: Server) -> AsyncIterator[tuple[Cluster, Receiver]]:
    """Provide a gateway, a receiver and an empty database."""
    async with world(folder) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(list_videos="never")
        yield Cluster(w, server.new_url()), app


def polled(daemon: Daemon) -> set[str]:
    """Return the videos that an instance has asked about."""
    return {line["video_id"] for line in daemon.logs("poll")}
