"""When so many drop-ins are gone at once that their folder's mount may be gone."""

import pytest

from notifier.polling.mass_loss import is_mass_loss


@pytest.mark.parametrize(
    ("gone", "known", "expected"),
    [
        (0, 0, False),
        (1, 1, False),
        (2, 2, False),
        (3, 3, True),
        (3, 4, False),
        (4, 8, False),
        (5, 10, True),
        (5, 11, False),
        (100, 1000, False),
        (500, 1000, True),
    ],
)
def test_half_of_many_or_all_of_a_few_is_a_mass_loss(
    gone: int, known: int, expected: bool
) -> None:
    assert is_mass_loss(gone, known) is expected
