"""A 410 that names no video ends a watch only while other videos are seen."""

from notifier.model.answer import NotFound, PollError, Seen
from notifier.polling.generic_not_found import GenericNotFound
from tests.builders import snapshot

GONE = NotFound("410 Gone", 410, generic=True)


def test_while_every_video_gets_it_it_is_an_error_that_may_pass() -> None:
    generic = GenericNotFound()
    generic.record_seen("b", 0)
    for at in range(10, 1000, 10):
        assert isinstance(generic.judged("a", GONE, at, 2), PollError)
        assert isinstance(generic.judged("b", GONE, at + 1, 2), PollError)


def test_when_another_video_is_seen_meanwhile_it_counts() -> None:
    generic = GenericNotFound()
    assert isinstance(generic.judged("a", GONE, 10, 2), PollError)
    generic.record_seen("b", 20)
    assert generic.judged("a", GONE, 30, 2) is GONE


def test_it_counts_for_the_only_video_and_what_names_the_video_counts_always() -> None:
    named = NotFound("video_1 is gone", 410)
    assert GenericNotFound().judged("a", GONE, 10, 1) is GONE
    assert GenericNotFound().judged("a", named, 10, 2) is named


def test_a_video_that_is_seen_again_begins_anew() -> None:
    generic = GenericNotFound()
    generic.judged("a", GONE, 10, 2)
    generic.judged("a", Seen(snapshot()), 20, 2)
    assert isinstance(generic.judged("a", GONE, 30, 2), PollError)
