"""An instance stops before others may take its work."""

from hypothesis import given
from hypothesis import strategies as st

from notifier.cluster.trust import TRUSTED, Trust
from tests.builders import Time

LEASE = 15.0


def trusting() -> tuple[Time, Trust]:
    time = Time(100.0)
    return time, Trust(LEASE, time)


def test_an_instance_that_has_not_beaten_may_not_work() -> None:
    _, trust = trusting()
    assert not trust.holds()
    assert trust.left() == 0.0


def test_trust_counts_from_when_the_beat_was_sent_and_not_from_its_answer() -> None:
    time, trust = trusting()
    sent = time.at
    time.at += 5.0  # the answer was slow
    trust.renew(sent)
    assert trust.left() == TRUSTED * LEASE - 5.0
    time.at = sent + TRUSTED * LEASE
    assert not trust.holds()


def test_an_answer_that_comes_too_late_gives_no_trust() -> None:
    time, trust = trusting()
    sent = time.at
    time.at += LEASE
    trust.renew(sent)
    assert not trust.holds()


def test_an_older_answer_does_not_shorten_the_trust() -> None:
    time, trust = trusting()
    trust.renew(time.at)
    trust.renew(time.at - 3.0)
    assert trust.left() == TRUSTED * LEASE


def test_a_buried_instance_may_not_work_until_its_next_beat() -> None:
    time, trust = trusting()
    trust.renew(time.at)
    trust.end()
    assert not trust.holds()


def test_only_unbroken_contact_for_a_lease_time_allows_burying_others() -> None:
    time, trust = trusting()
    for _ in range(4):
        trust.renew(time.at)
        assert not trust.may_bury()
        time.at += LEASE / 3 - 0.1
    time.at += 1.0
    trust.renew(time.at)
    assert trust.may_bury()

    time.at += LEASE  # the store was down, for the others as well
    assert not trust.may_bury()
    trust.renew(time.at)
    assert not trust.may_bury()


def test_a_beat_that_failed_or_was_slow_breaks_the_contact() -> None:
    time, trust = trusting()

    def beat_for_a_lease_time() -> None:
        for _ in range(4):
            time.at += LEASE / 3
            trust.renew(time.at)
        assert trust.may_bury()

    trust.renew(time.at)
    beat_for_a_lease_time()
    trust.doubt()
    assert trust.holds()
    assert not trust.may_bury()

    beat_for_a_lease_time()
    sent = time.at
    time.at += LEASE / 4
    trust.renew(sent)
    assert trust.holds()
    assert not trust.may_bury()


@given(
    steps=st.lists(
        st.tuples(st.floats(0.0, 30.0), st.floats(0.0, 10.0), st.booleans()), max_size=30
    )
)
def test_nobody_trusts_itself_when_the_database_would_let_it_be_buried(
    steps: list[tuple[float, float, bool]],
) -> None:
    time, trust = trusting()
    expires = 0.0
    for wait, way, committed in steps:
        time.at += wait
        sent = time.at
        if committed:
            expires = sent + way / 2 + LEASE  # the database commits it on the way
            time.at += way
            trust.renew(sent)
        assert not trust.holds() or time.at < expires
