"""A simulated gateway: `/v1/videos` with jobs that take time, in many dialects, with faults.

A job's state is a pure function of the time (`jobs`). A profile describes that state as a known
gateway would (`profiles`). A fault spoils an answer before it is sent (`faults`). `Sandbox` joins
them into a request handler for `notifier.http_server`.
"""

from notifier.sandbox.faults import FAULT_KINDS, Fault
from notifier.sandbox.gateway import RecordedRequest, Sandbox
from notifier.sandbox.jobs import Ending, Job
from notifier.sandbox.profiles import PROFILES, Profile

__all__ = [
    "FAULT_KINDS",
    "PROFILES",
    "Ending",
    "Fault",
    "Job",
    "Profile",
    "RecordedRequest",
    "Sandbox",
]
