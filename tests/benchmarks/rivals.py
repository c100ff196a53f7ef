"""The rivals, in a venv of their own: built once, kept in the system's folder for such things."""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import gettempdir

_CLIENTS = Path(__file__).parent / "clients"
_ROOT = Path(__file__).parents[2]

STANDARD = "AsyncOpenAI"
"""The rival that the reaches are about."""

RIVALS: dict[str, tuple[str, ...]] = {
    STANDARD: ("openai_sdk",),
    "AsyncOpenAI on aiohttp": ("openai_sdk", "aiohttp"),
    "aiohttp": ("aiohttp_client",),
    "httpx": ("httpx_client",),
    "h11 on trio": ("h11_trio",),
}
"""Their scripts in `clients`, with what they are called with after the usual arguments."""


def build() -> Path:
    """Return the interpreter that has the rivals; raises subprocess.CalledProcessError."""
    wanted = (_CLIENTS / "requirements.txt").read_bytes() + sys.version.encode()
    digest = hashlib.sha256(wanted).hexdigest()[:12]
    folder = Path(gettempdir(), f"notifier-benchmark-{os.getuid()}-{digest}")
    python = folder / "bin" / "python"
    done = folder / "complete"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r"]
        wanted_file = str(_CLIENTS / "requirements.txt")
        subprocess.run([*install, wanted_file], check=True, stdout=subprocess.DEVNULL)
        done.touch()
    return python


def cpu_per_request(
    python: Path, rival: str, url: str, concurrency: int, seconds: float, *, every: float = 0.0
) -> float | None:
    """Return what one status request costs a rival; None if it is not to be had.

    With `every`, each of the `concurrency` loops asks once in so many seconds.
    """
    script, *more = RIVALS[rival]
    command = [str(python), "-m", f"tests.benchmarks.clients.{script}", url, str(concurrency)]
    done = subprocess.run(
        [*command, str(seconds), str(every), *more],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 60,
    )
    return float(done.stdout.split()[0]) if done.returncode == 0 and done.stdout else None
