"""`python -m tests.receivers` brings docs/receivers.md up to date with the files beside this."""

from tests.receivers.page import PAGE, with_files

if __name__ == "__main__":
    PAGE.write_text(with_files(PAGE.read_text()))
