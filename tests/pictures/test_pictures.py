"""README's pictures are small, complete in themselves and made by `python -m tests.pictures`."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.pictures.terminal import drawn, screen_after

ROOT = Path(__file__).parents[2]
SVG_NAMESPACE = "http://www.w3.org/2000/svg"
MOST_BYTES = 200_000


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - a file of this repository


def foreign(svg: str) -> list[str]:
    """Return whatever an SVG would load from elsewhere or run."""
    root = parsed(svg)
    found = [
        element.tag for element in root.iter() if re.search(r"\}(script|image|use)$", element.tag)
    ]
    found += re.findall(r"@import[^;]*|@font-face|url\((?!#)[^)]*\)|href=\S*", svg)
    return found + re.findall(r"\w+://\S+", svg.replace(f'"{SVG_NAMESPACE}"', ""))


def words(svg: str) -> str:
    """Return the text that an SVG shows."""
    root = parsed(svg)
    return " ".join("".join(root.itertext()).replace("\xa0", " ").split())


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_both_pictures_are_on_the_first_screen_with_a_text_in_their_place(readme: str) -> None:
    text = (ROOT / readme).read_text()
    first_screen = text[: text.index("\n## ")]
    shown = dict(re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", first_screen))
    assert set(shown.values()) == {"docs/demo.svg", "docs/page.png"}
    assert all(len(alternative) > 20 for alternative in shown)


def test_the_picture_of_the_demo_shows_how_it_ends_and_needs_nothing_from_elsewhere() -> None:
    svg = (ROOT / "docs" / "demo.svg").read_text()
    assert parsed(svg).tag == f"{{{SVG_NAMESPACE}}}svg"
    assert foreign(svg) == []
    for word in (
        "signature verified",
        "cancelled",
        "timed_out",
        "in Slack",
        "All arrived: 6 jobs",
    ):
        assert word in words(svg)


def test_the_pictures_are_light() -> None:
    png = (ROOT / "docs" / "page.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert len(png) < MOST_BYTES
    assert (ROOT / "docs" / "demo.svg").stat().st_size < MOST_BYTES


def test_a_terminal_is_drawn_as_it_is_at_the_end() -> None:
    printed = b"\x1b[32mfirst\x1b[0m\r\nwrong\r\x1b[K<right> & \x1b[1mbold\x1b[0m\r\n"
    lines = screen_after(printed, 40, 10)
    assert [line.plain for line in lines] == ["first", "<right> & bold"]
    svg = drawn(lines, 40, "a command")
    assert "first <right> & bold" in words(svg)
    assert "#008000" in svg
    assert foreign(svg) == []


@pytest.mark.parametrize(
    "harm", ["<image href='https://a.example/b.png'/>", "<style>@import 'a.css';</style>"]
)
def test_what_comes_from_elsewhere_is_found(harm: str) -> None:
    assert foreign(f'<svg xmlns="{SVG_NAMESPACE}">{harm}</svg>')
