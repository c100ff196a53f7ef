"""A stand-in gateway: `/v1/videos` with jobs that take time, in many dialects, with faults.

A job's whole life is a pure function of the time (`jobs`); a profile says how a gateway would
put one moment of it into words (`profiles`); a fault spoils an answer on its way out
(`faults`). `Sandbox` joins them into a request handler for `notifier.http_server`.
"""

from notifier.sandbox.faults import FAULT_KINDS, Fault
from notifier.sandbox.gateway import Asked, Sandbox
from notifier.sandbox.jobs import Ending, Job
from notifier.sandbox.profiles import PROFILES, Profile

__all__ = ["FAULT_KINDS", "PROFILES", "Asked", "Ending", "Fault", "Job", "Profile", "Sandbox"]
