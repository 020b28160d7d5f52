"""What an implementer does with a report: looks at it, searches, filters, follows links, copies, prints."""

from __future__ import annotations

import time
from typing import Any

import pytest
from records import EVIL

from browser.runs import MANY, RUNS

WIDTHS = (360, 800, 1400)
MEGABYTE = 2**20

VISIBLE = "rows => rows.filter(row => row.checkVisibility()).map(row => row.id || row.textContent)"

CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color, over) => {
    canvas.fillStyle = over || "#fff"; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (color) => color
    .map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if (!/^rgba\\(.*, 0\\)$/.test(color) && color !== "transparent") return color;
    }
    return getComputedStyle(document.documentElement).colorScheme.includes("dark") ? "#000" : "#fff";
  };
  const low = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility()) continue;
    const style = getComputedStyle(element), back = behind(element);
    const [one, other] = [light(rgb(style.color, back)), light(rgb(back))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < (large ? 3 : 4.5)) low.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return [...new Set(low)];
}"""


def articles(page: Any) -> list[str]:
    """The ids of the requirements that are told at length and can be seen."""
    found: list[str] = page.locator("article").evaluate_all(VISIBLE)
    return found


def until(page: Any, expression: str) -> None:
    """Wait until something holds on a page, whose policy forbids the driver's own way to wait."""
    end = time.monotonic() + 10
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(20)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_page(show, name, width):
    page = show(name, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_search_leaves_what_has_all_of_its_words(show):
    page = show("broken")
    whole = articles(page)
    page.keyboard.press("/")
    page.keyboard.type("top_k maximum")
    assert articles(page) == ["input/prompt/top_k/maximum", "input/messages/top_k/maximum"]
    assert page.locator("#found").inner_text().startswith("2 of ")
    page.keyboard.press("Escape")
    assert articles(page) == whole


def test_what_passed_is_found_though_it_was_folded(show):
    page = show("passing")
    assert not page.get_by_text("stream/done", exact=True).first.is_visible()
    page.fill("#search", "stream/done")
    assert page.get_by_text("stream/done", exact=True).first.is_visible()


@pytest.mark.parametrize(
    ("choice", "value", "attribute"),
    [("#by-verdict", "fail", "verdict"), ("#by-level", "SHOULD", "level"), ("#by-area", "stream", "area")],
)
def test_filters_leave_what_is_chosen(show, choice, value, attribute):
    page = show("broken")
    page.select_option(choice, value)
    shown = page.locator("[data-verdict]:not([hidden])").evaluate_all(
        f"rows => rows.map(row => row.dataset.{attribute})"
    )
    assert shown
    assert set(shown) == {value}
    page.click("button[type=reset]")
    until(page, "document.querySelectorAll('[data-verdict][hidden]').length === 0")


def test_a_cell_of_the_grid_leads_to_its_requirement(show):
    page = show("broken")
    cell = page.locator('.grid a[href="#input/prompt/top_k/maximum"]')
    assert "just outside fail" in cell.get_attribute("aria-label")
    cell.click()
    assert page.locator("article:target h3").inner_text() == "input/prompt/top_k/maximum"
    kept = page.locator('.grid a[href="#input/prompt/seed/minimum"]')
    kept.click()
    assert page.locator("tr:target").is_visible()  # it stood in a fold


def test_a_deep_link_opens_what_it_leads_to_whatever_is_filtered(show):
    page = show("broken")
    page.select_option("#by-verdict", "fail")
    page.evaluate("location.hash = 'input/prompt/seed/minimum'")
    until(page, "document.querySelector('tr:target').checkVisibility()")


def test_a_command_is_copied_as_it_stands(show):
    page = show("broken", permissions=["clipboard-read", "clipboard-write"])
    box = page.locator("article pre.copied").first
    page.locator("button.copy").first.click()
    until(page, "document.querySelector('button.copy').textContent === 'Copied'")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == box.inner_text()
    assert copied.startswith("curl ")


def test_keys_go_from_finding_to_finding(show):
    page = show("broken")
    ids = articles(page)
    seen = []
    for key in ("j", "j", "j", "k"):
        page.keyboard.press(key)
        seen.append(page.evaluate("document.activeElement.id"))
    assert seen == [ids[0], ids[1], ids[2], ids[1]]
    page.keyboard.press("/")
    page.keyboard.type("jk")
    assert page.input_value("#search") == "jk"


def test_without_a_script_all_is_there_but_the_tools(show):
    page = show("broken", java_script_enabled=False)
    assert not page.locator("#tools").is_visible()
    assert page.locator("article").count() > 3
    assert page.locator("article .difference").first.is_visible()
    page.locator("section.sifted summary").last.click()
    assert page.locator("section.sifted details[open] tr[data-verdict=pass]").first.is_visible()


@pytest.mark.parametrize("name", ["hostile", "streams"])
def test_what_a_target_sends_is_text(show, name):
    page = show(name)
    page.wait_for_timeout(200)
    assert page.locator("script").count() == 1
    assert page.locator("img, iframe, object, link").count() == 0
    assert "<script>alert(1)</script>" in page.locator("body").inner_text()
    page.fill("#search", EVIL[:20])
    assert page.locator("article").first.is_visible()


def test_the_offending_place_of_a_stream_is_marked(show):
    page = show("streams")
    marks = page.locator(".chunks mark").all_inner_texts()
    assert "ff fe" in marks
    assert page.locator(".ticks line.fail").count() >= 2
    assert "more bytes" in page.locator(".chunks").inner_text()


def test_a_request_is_told_as_its_difference(show):
    page = show("broken")
    row = page.locator('article[id="input/prompt/top_k/maximum"] .difference tbody tr')
    assert row.first.inner_text().split("\t") == ["top_k", "nothing", "51"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["broken", "passing", "streams"])
def test_everything_can_be_read(show, scheme, name):
    page = show(name, color_scheme=scheme)
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert page.evaluate(CONTRAST) == []


def test_on_paper_all_is_unfolded_and_no_tools_are_left(show):
    page = show("broken")
    page.emulate_media(media="print")
    assert not page.locator("#tools").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() > 0


def test_ten_thousand_cases_are_a_small_page_that_answers(show, pages):
    assert pages("many").stat().st_size < 8 * MEGABYTE
    page = show("many")
    page.fill("#search", "keyword/100")
    until(page, "document.getElementById('found').value.startsWith('1 of ')")
    assert f"{MANY:,}" in page.locator("body").inner_text()
