"""That texts are known which were readable before hides nothing that is not."""

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.barriers import barriers
from tests.browser.test_pages import chromium

__all__ = ["chromium"]

pytestmark = pytest.mark.browser
READABLE, PALE = "color: #222", "color: #bbb"


@pytest.fixture
def page(chromium: Browser) -> Page:
    return chromium.new_page(viewport={"width": 640, "height": 480})


def found_on(page: Page, main: str, *, background: str = "#fff") -> list[str]:
    """The names of what axe finds, once for each place."""
    style = f"body {{ background: {background} }} .note {{ {READABLE} }}"
    page.set_content(
        f"<!doctype html><html lang='en'><head><title>Notes</title><style>{style}</style></head>"
        f"<body><main><h1 class='note'>Notes</h1>{main}</main></body></html>"
    )
    return [line.split(" ", 1)[0] for line in barriers(page)]


def test_a_pale_text_is_found_each_time_also_among_texts_that_are_known(page: Page) -> None:
    known = "<p class='note'>Readable</p>"
    assert found_on(page, known) == []
    assert found_on(page, known) == []
    pale = f"<p class='note' style='{PALE}'>Pale</p>"
    assert found_on(page, known + pale) == ["color-contrast"]
    assert found_on(page, pale + known) == ["color-contrast"]
    assert "Pale" in str(barriers(page))


def test_a_known_text_on_another_background_is_looked_at_again(page: Page) -> None:
    assert found_on(page, "<p class='note'>Readable</p>") == []
    assert found_on(page, "<p class='note'>Readable</p>", background="#444") == ["color-contrast"]
    assert found_on(page, "<div style='background: #444'><p class='note'>Readable</p></div>") == ["color-contrast"]
    assert found_on(page, "<div style='opacity: 0.3'><p class='note'>Readable</p></div>") == ["color-contrast"]


def test_everything_else_is_looked_for_on_every_page(page: Page) -> None:
    for _ in range(2):
        assert found_on(page, "<p class='note'>Readable</p><input class='note'><img src='data:,'>") == [
            "image-alt",
            "label",
        ]
