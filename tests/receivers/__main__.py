"""`python -m tests.receivers` brings the pages up to date with the files beside this."""

from tests.receivers.page import PAGES, with_files

if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_files(page.read_text()))
