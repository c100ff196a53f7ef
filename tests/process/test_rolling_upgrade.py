"""An instance whose database newer notifiers have changed for good."""

from pathlib import Path

from tests.postgres import Server
from tests.process.cluster import cluster
from tests.process.harness import notifier


def take_ground(url: str) -> None:
    """Leave the store as a newer notifier does that has buried all older ones."""
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(url, autocommit=True) as db:
        db.execute("UPDATE meta SET value = '1000' WHERE key = 'oldest_writer'")
        db.execute("UPDATE leases SET owner = NULL")
        db.execute("DELETE FROM grants")
        db.execute("DELETE FROM instances")


async def test_an_instance_that_cannot_go_on_ends_and_says_why(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, _):
        async with c.running("alpha") as alpha:
            take_ground(c.url)
            assert await alpha.exit_code() == 78
            log = alpha.log_path.read_text()
            assert "run the newer one" in log.splitlines()[-1]
            assert "Traceback" not in log
        again = await notifier("run", "-c", c.config("alpha"), env=c.env("alpha"))
        assert again.returncode == 78
        assert "run the newer one" in again.stderr
