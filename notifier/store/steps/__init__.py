"""The tables, as the list of steps that led to them, each a list of statements.

A step that has been released is never edited: a new one is added behind it.
"""

from notifier.store.steps.absences import ABSENCES
from notifier.store.steps.callback_hosts import CALLBACK_HOSTS
from notifier.store.steps.claim_times import CLAIM_TIMES
from notifier.store.steps.cluster import CLUSTER
from notifier.store.steps.counts import COUNTS
from notifier.store.steps.discovery import DISCOVERY
from notifier.store.steps.first import (
    CALLBACKS,
    DEAD_LETTERS,
    ENDPOINT_HEALTH,
    FIRST,
    JOB_SAMPLES,
)
from notifier.store.steps.follow_ups import FOLLOW_UPS
from notifier.store.steps.identity import IDENTITY
from notifier.store.steps.log_mark import LOG_MARK

STEPS: tuple[tuple[str, ...], ...] = (
    FIRST,
    ENDPOINT_HEALTH,
    DEAD_LETTERS,
    CALLBACKS,
    JOB_SAMPLES,
    IDENTITY,
    COUNTS,
    LOG_MARK,
    DISCOVERY,
    CALLBACK_HOSTS,
    FOLLOW_UPS,
    CLUSTER,
    CLAIM_TIMES,
    ABSENCES,
)
