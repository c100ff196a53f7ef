"""What is done after a completed ending: a notice before the video expires, and a copy of it.

`expiry_notices` runs the timers of one gateway's videos. `downloads` has them copied: a `copier`
makes one attempt, `storage` knows the folder and how much of it is in use, `file_names` how a copy
is called, and `keep` deletes old ones. Everything that is to be done is in the store, recorded
together with the ending; `due_work` runs it. So it survives restarts, and is done at most once.
"""

from notifier.archive.copier import Copier
from notifier.archive.downloads import DownloadDeps, Downloads
from notifier.archive.expiry_notices import ExpiryDeps, ExpiryNotices
from notifier.archive.folder import ArchiveFolder
from notifier.archive.keep import delete_old_copies
from notifier.archive.quota import Quota
from notifier.archive.storage import Storage, described

__all__ = [
    "ArchiveFolder",
    "Copier",
    "DownloadDeps",
    "Downloads",
    "ExpiryDeps",
    "ExpiryNotices",
    "Quota",
    "Storage",
    "delete_old_copies",
    "described",
]
