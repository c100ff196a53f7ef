"""Creates a video at the sandbox of compose.yaml and waits for notifier's event about it.

It fails with the exit code of `notifier watch add --wait`: 0 only if the video completed.
"""

import json
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import Request, urlopen

_URL = "http://sandbox:8080/v1/videos"
_TRIES = 60


def _create() -> str:
    """Return the id of a new video; the sandbox may still be starting."""
    body = json.dumps({"model": "sora-2", "prompt": "A cat on a motorcycle [60s]"}).encode()
    request = Request(_URL, body, {"Content-Type": "application/json"})
    for _ in range(_TRIES):
        try:
            with urlopen(request, timeout=5) as answer:  # noqa: S310 - constant
                return str(json.load(answer)["id"])
        except URLError:
            time.sleep(0.5)
    sys.exit(f"no sandbox answers at {_URL}")


if __name__ == "__main__":
    arguments = ["notifier", "watch", "add", _create(), "--wait", "--metadata", "user=7"]
    sys.exit(subprocess.run(arguments, check=False).returncode)  # noqa: S603 - constant
