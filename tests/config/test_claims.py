"""Which entry counts where several sources list the same watch with other settings."""

from collections.abc import Collection, Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from notifier.config import Claims
from notifier.model.watch import Listing, WatchSpec
from tests.builders import listing, spec

OTHER: dict[str, Any] = {"give_up_after": 60.0}


class Known(Claims):
    """Claims that remember what counts after all updates."""

    def __init__(self, main: Listing) -> None:
        self.counting: dict[str, Listing] = {}
        super().__init__(main)

    def update(self, listed: Mapping[str, Listing], gone: Collection[str]) -> tuple[Listing, ...]:
        affected = super().update(listed, gone)
        self.counting |= {each.source: each for each in affected}
        for source in gone:
            self.counting.pop(source, None)
        return affected

    def accepted(self) -> tuple[Listing, ...]:
        return tuple(self.counting[source] for source in sorted(self.counting))


def claims(*dropins: Listing, main: Listing | None = None) -> Known:
    made = Known(main or listing())
    made.update({each.source: each for each in dropins}, ())
    return made


def counting(made: Known) -> dict[str, tuple[WatchSpec, ...]]:
    return {each.source: each.specs for each in made.accepted()}


def test_dropins_count_in_the_order_of_their_names() -> None:
    made = claims(listing(source="b.toml"), listing(source="a.toml"))
    assert [each.source for each in made.accepted()] == ["a.toml", "b.toml"]
    assert made.problems() == ()


def test_the_same_watch_in_several_files_is_fine_when_they_agree() -> None:
    dropins = (listing(spec(), source="a.toml"), listing(spec(), spec(), source="b.toml"))
    made = claims(*dropins, main=listing(spec()))
    assert (made.accepted(), made.problems()) == (dropins, ())


def test_an_entry_that_contradicts_the_main_file_is_ignored_alone() -> None:
    dropin = listing(spec("fine"), spec(**OTHER), source="a.toml")
    made = claims(dropin, main=listing(spec("else"), spec()))
    assert counting(made) == {"a.toml": (spec("fine"),)}
    (problem,) = made.problems()
    assert (problem.where, problem.key) == ("a.toml", "watches[1]")
    assert problem.message.startswith("lists the same video as watches[1] of config")


def test_what_was_taken_first_stands_although_a_file_that_sorts_earlier_disagrees() -> None:
    made = claims(listing(spec(), spec("w"), source="b.toml"))
    made.update({"a.toml": listing(spec(**OTHER), spec("v"), source="a.toml")}, ())
    assert counting(made) == {"a.toml": (spec("v"),), "b.toml": (spec(), spec("w"))}
    assert [problem.where for problem in made.problems()] == ["a.toml"]


def test_when_the_first_is_gone_the_next_counts() -> None:
    made = claims(listing(spec(), source="a.toml"), listing(spec(**OTHER), source="b.toml"))
    made.update({}, {"a.toml"})
    assert counting(made) == {"b.toml": (spec(**OTHER),)}
    assert made.problems() == ()


def test_a_file_may_change_what_it_alone_lists() -> None:
    made = claims(listing(spec(), source="a.toml"))
    made.update({"a.toml": listing(spec(**OTHER), source="a.toml")}, ())
    assert counting(made) == {"a.toml": (spec(**OTHER),)}


def test_another_generation_is_no_contradiction() -> None:
    again = listing(spec(generation=2, **OTHER), source="a.toml")
    assert counting(claims(again, main=listing(spec()))) == {"a.toml": again.specs}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a.toml", "b.toml", "c.toml"]),
            st.none() | st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, 3)), max_size=4),
        ),
        max_size=12,
    )
)
def test_each_listed_watch_has_exactly_one_setting_that_counts(
    changes: list[tuple[str, list[tuple[str, int]] | None]],
) -> None:
    made, listed = Known(listing()), dict[str, Listing]()
    for source, entries in changes:
        if entries is None:
            listed.pop(source, None)
            made.update({}, {source})
            continue
        unique = dict(entries)
        specs = [spec(video, give_up_after=float(wait)) for video, wait in unique.items()]
        listed[source] = listing(*specs, source=source)
        made.update({source: listed[source]}, ())
    every = {each.key for one in listed.values() for each in one.specs}
    settings = {(each.key, each.give_up_after) for one in made.accepted() for each in one.specs}
    assert {key for key, _ in settings} == every
    assert len(settings) == len(every)
    ignored = sum(len(one.specs) for one in listed.values()) - sum(
        len(one.specs) for one in made.accepted()
    )
    assert len(made.problems()) == ignored
