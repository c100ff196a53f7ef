"""Sessions: how they begin, and how they end."""

import trio
import trio.testing

from notifier.page.sessions import LIFETIME, Sessions

TOKEN = "a-token-of-twenty-nine-letters"


def session_of(sessions: Sessions, token: str = TOKEN) -> str:
    session = sessions.open(token)
    assert session
    return session


async def test_a_session_lasts_twelve_hours(autojump_clock: trio.testing.MockClock) -> None:
    sessions = Sessions(lambda: TOKEN)
    session = session_of(sessions)
    await trio.sleep(LIFETIME - 1)
    assert sessions.is_open(session)
    await trio.sleep(2)
    assert not sessions.is_open(session)
    assert LIFETIME == 12 * 3600


async def test_a_session_ends_when_the_token_changes() -> None:
    token = TOKEN
    sessions = Sessions(lambda: token)
    session = session_of(sessions)
    token = "another-token-of-many-letters"
    assert not sessions.is_open(session)
    token = TOKEN
    assert not sessions.is_open(session)


async def test_a_wrong_token_opens_none() -> None:
    sessions = Sessions(lambda: TOKEN)
    assert [sessions.open(given) for given in ("", "wrong", TOKEN + "x", "\udc80")] == [None] * 4
    assert not sessions.is_open("")


async def test_the_number_of_sessions_is_bounded() -> None:
    sessions = Sessions(lambda: TOKEN)
    first = session_of(sessions)
    others = [session_of(sessions) for _ in range(1000)]
    assert not sessions.is_open(first)
    assert all(sessions.is_open(each) for each in others)


async def test_forms_of_one_session_are_not_those_of_another() -> None:
    sessions = Sessions(lambda: TOKEN)
    mine, other = session_of(sessions), session_of(sessions)
    assert sessions.is_form_token(mine, sessions.form_token(mine))
    assert not sessions.is_form_token(other, sessions.form_token(mine))
    assert not Sessions(None).is_form_token("", sessions.form_token(""))
