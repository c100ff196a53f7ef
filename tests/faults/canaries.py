"""A made-up secret of every kind, and a search that finds them in any encoding."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from notifier.signing import generate_secret


@dataclass(frozen=True, slots=True)
class Canaries:
    """A secret of each kind, all made up."""

    api_key: str = "sk-canary+api/key=4711aa"
    gateway_header: str = "canary-team/header+4712bb"
    url_token: str = "canary-url-token-4713cc"
    endpoint_header: str = "canary endpoint header 4714dd"
    slack_path: str = "T00/B00/canarySlack4715ee"
    proxy_password: str = "canary-p%40ss-4716ff"
    literal_whsec: str = field(default_factory=generate_secret)
    file_whsec: str = field(default_factory=generate_secret)

    def all(self) -> dict[str, str]:
        """Return every secret by its kind."""
        return {name: getattr(self, name) for name in self.__slots__}


def found(texts: Mapping[str, bytes], secrets: Mapping[str, str]) -> list[str]:
    """Return which secret is found where, in whatever encoding."""
    return [
        f"{kind} in {place}"
        for place, text in texts.items()
        for kind, secret in secrets.items()
        if any(form.encode() in text for form in _forms(secret))
    ]


def _forms(secret: str) -> set[str]:
    bare = secret.removeprefix("whsec_")
    return {
        bare,
        quote(bare, safe=""),
        json.dumps(bare)[1:-1],
        repr(bare)[1:-1],
        bare.replace("/", "\\/"),
        # in base64 only what does not hang on where it stood
        base64.b64encode(bare.encode()).decode()[:-4],
    }


def files_below(folder: Path, *, but: Iterable[Path]) -> dict[str, bytes]:
    """Return the bytes of every file below `folder`, save for those that may hold secrets."""
    kept = set(but)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path not in kept
    }
