"""The connection to PostgreSQL over TLS, with an authority of one's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests import postgres
from tests.faults.jobs import begin, finish
from tests.postgres import Server, give, own_folder, running_server
from tests.process.databases import on_postgres
from tests.process.harness import notifier, running, world


@contextmanager
def secured(authority: trustme.CA, name: str) -> Iterator[Server]:
    """Run a server with a certificate of `authority` for `name`, which takes only TLS."""
    if reason := postgres.missing():
        pytest.skip(reason)
    identity = authority.issue_cert(name)
    with own_folder("pg-tls-") as folder:
        key, certificate = folder / "server.key", folder / "server.pem"
        identity.private_key_pem.write_to_path(str(key))
        identity.cert_chain_pems[0].write_to_path(str(certificate))
        for file in (key, certificate):
            file.chmod(0o600)
            give(file)
        rules = folder / "hba"
        rules.write_text("hostssl all all 127.0.0.1/32 trust\n")
        give(rules)
        with running_server(
            ssl="on", ssl_key_file=key, ssl_cert_file=certificate, hba_file=rules
        ) as server:
            yield server


def url_of(server: Server, ca: Path, host: str = "localhost") -> str:
    return (
        f"postgresql://notifier@{host}:{server.port}/postgres?sslmode=verify-full&sslrootcert={ca}"
    )


def ca_file(folder: Path, name: str, authority: trustme.CA) -> Path:
    path = folder / f"{name}.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


async def test_the_server_is_verified_by_an_authority_of_ones_own(tmp_path: Path) -> None:
    authority = trustme.CA()
    with secured(authority, "localhost") as server:
        async with world(tmp_path) as w:
            app = await w.receiver()
            w.endpoint(app)
            begin(w, "job")
            env = on_postgres(w, url_of(server, ca_file(tmp_path, "ca", authority)))
            async with running(w.config_path, **env) as daemon:
                encrypted = server.ask(
                    "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                    "WHERE application_name LIKE 'notifier-%'"
                )
                assert encrypted == (True,)
                finish(w, "job")
                await app.wait_for(1)
                assert await daemon.end() == 0


async def test_a_server_that_is_not_the_one_meant_is_refused_in_one_sentence(
    tmp_path: Path,
) -> None:
    authority = trustme.CA()
    with secured(authority, "db.example") as server:
        async with world(tmp_path) as w:
            w.endpoint(await w.receiver())
            own = ca_file(tmp_path, "own", authority)
            other = ca_file(tmp_path, "other", trustme.CA())
            for ca, host, said in (
                (other, "localhost", "certificate verify failed"),
                (own, "localhost", '"db.example" does not match host name "localhost"'),
                (tmp_path / "gone.pem", "localhost", "gone.pem"),
            ):
                env = on_postgres(w, url_of(server, ca, host))
                refused = await notifier("run", "-c", w.config_path, env=env)
                assert (refused.returncode, refused.stdout) == (1, ""), refused.stderr
                (line,) = refused.stderr.splitlines()
                assert "PostgreSQL cannot be reached" in line
                assert said in line
