"""Recognises that drop-ins vanished because their folder is empty for a while, not one by one.

A mount that goes away looks like many files that are deleted at once. They count as deleted all
the same, but the log then says so in one warning.
"""

LOST_HINT = (
    "is the folder's mount gone? put the files back, and what had not ended is watched again; "
    "it counts as listed anew, so give_up_after starts again"
)
"""What an operator can do about lost drop-ins."""

_MANY = 5
_FEW = 3


def is_mass_loss(gone: int, known: int) -> bool:
    """Return whether `gone` of `known` drop-ins are so many that it may be a mistake.

    These are at least 5 and at least half of them, because people delete files of jobs that are
    over in small numbers, or all of at least 3. All of one or two is how a small set ends.
    """
    return (gone >= _MANY and 2 * gone >= known) or (gone >= _FEW and gone >= known)
