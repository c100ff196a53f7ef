"""`python -m tests.pictures` makes README's pictures anew, from real runs (about a minute).

docs/demo.svg is the end of `notifier demo`; docs/page.png is the daemon's page in Chromium.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from tests.pictures.demo import picture_of_the_demo
from tests.pictures.page import picture_of_the_page

DOCS = Path(__file__).parents[2] / "docs"


async def main() -> None:
    (DOCS / "demo.svg").write_text(await picture_of_the_demo())
    with TemporaryDirectory() as folder:
        (DOCS / "page.png").write_bytes(await picture_of_the_page(Path(folder)))


if __name__ == "__main__":
    trio.run(main)
