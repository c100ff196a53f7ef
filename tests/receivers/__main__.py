"""`python -m tests.receivers` brings pages up to date with the programs that they show."""

from tests.receivers.page import PAGES, with_files

if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_files(page.read_text()))
