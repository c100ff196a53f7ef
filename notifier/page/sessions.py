"""Sessions of people who signed in with the token, and the tokens that protect forms.

Sessions are kept in memory: a restart signs everybody out. They end after twelve hours, and when
the daemon's token changes.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

import trio

LIFETIME = 12 * 3600.0
"""How long a session lasts, in seconds."""

_MOST = 1000


@dataclass(frozen=True, slots=True)
class _Session:
    ends_at: float
    token_digest: bytes


@dataclass(slots=True)
class Sessions:
    """All sessions; `token` returns the daemon's token as it is now, None where it has none."""

    token: Callable[[], str] | None
    _sessions: dict[str, _Session] = field(default_factory=dict)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def needed(self) -> bool:
        """Whether people have to sign in."""
        return self.token is not None

    def open(self, given: str) -> str | None:
        """Return the id of a new session, None when `given` is not the token."""
        if self.token is None:
            return None
        token = self.token().encode()
        if not hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token):
            return None
        while len(self._sessions) >= _MOST:
            del self._sessions[next(iter(self._sessions))]
        session_id = secrets.token_urlsafe(32)
        ends_at = trio.current_time() + LIFETIME
        self._sessions[session_id] = _Session(ends_at, sha256(token).digest())
        return session_id

    def is_open(self, session_id: str) -> bool:
        """Return whether a session exists and has not ended."""
        session = self._sessions.get(session_id)
        if session is None or self.token is None:
            return False
        same_token = session.token_digest == sha256(self.token().encode()).digest()
        if session.ends_at > trio.current_time() and same_token:
            return True
        del self._sessions[session_id]
        return False

    def close(self, session_id: str) -> None:
        """End a session."""
        self._sessions.pop(session_id, None)

    def form_token(self, session_id: str) -> str:
        """Return what the forms of a session carry; of this process where there is no session."""
        return hmac.new(self._key, session_id.encode(), sha256).hexdigest()

    def is_form_token(self, session_id: str, given: str) -> bool:
        """Return whether a form comes from a page that this session was shown."""
        return hmac.compare_digest(self.form_token(session_id).encode(), given.encode())
