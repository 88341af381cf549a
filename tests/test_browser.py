"""The atlas, opened as a visitor does: from files and from a web server, wide and on a phone, light
and dark, with a mouse and with the keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser import FOCUSABLE, PHONE, text_of, visit

from derive.library import load, names
from derive.site.facts import Facts

pytestmark = pytest.mark.browser
PAGES = ["index", "cells", *(f"cells/{name}" for name in names())]
SOME = ["index", "cells", *(f"cells/{n}" for n in "lstm gru slstm nas lstm_layer_norm".split())]


# --- every page ----------------------------------------------------------------------------------

UNSEEN = """() => {
  const visible = (element) => element.checkVisibility();
  const small = [...document.querySelectorAll("main svg")].filter(visible).filter((svg) => {
    const { width, height } = svg.getBoundingClientRect();
    return width < 100 || height < 30;
  });
  const flat = [...document.querySelectorAll("math")].filter(visible)
    .filter((math) => math.getBoundingClientRect().width < 2);
  const gone = [...document.images].filter((image) => image.naturalWidth === 0);
  return [...small, ...flat, ...gone].map((element) => element.outerHTML.slice(0, 200));
}"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_seen(opened, name):
    with opened(name) as page:
        assert page.locator("h1").is_visible()
        assert page.locator("main svg, main table").count() >= 1
        assert page.evaluate(UNSEEN) == []
        assert page.evaluate(OVERFLOW) <= 0
        page.set_viewport_size(PHONE)
        assert page.evaluate(OVERFLOW) <= 0
        if "/" in name:
            page.get_by_role("button", name="Backward").click()
            assert page.evaluate(UNSEEN) == [] and page.evaluate(OVERFLOW) <= 0


@pytest.mark.parametrize("name", ["index", "cells", "cells/lstm", "cells/rhn"])
def test_from_a_web_server_it_is_the_same(browser, server, opened, name):
    still = {"reduced_motion": "reduce"}
    with opened(name, **still) as page:
        from_file = text_of(page)
    with visit(browser, f"{server}/{name}.html", **still) as page:
        assert text_of(page) == from_file


def test_links_are_followed(opened):
    with opened("index") as page:
        page.get_by_role("link", name=f"{len(names())} cells").click()
        page.get_by_role("link", name="GRU", exact=True).click()
        assert page.locator("h1").inner_text() == "GRU"
        page.get_by_role("link", name="Cellwright").click()
        assert page.url.endswith("index.html")


def test_code_can_be_saved(browser, server, site):
    with visit(browser, f"{server}/cells/gru.html") as page:
        page.locator("summary", has_text="JavaScript").click()
        for suffix in ("py", "js"):
            with page.expect_download() as saving:
                page.get_by_role("link", name=f"Save gru.{suffix}").click()
            own = (site / "cells" / f"gru.{suffix}").read_bytes()
            assert Path(saving.value.path()).read_bytes() == own


# --- the front page and the index ----------------------------------------------------------------


def test_the_front_page_moves(opened):
    with opened("index") as page:
        value = page.locator("[data-moving] .value").first
        before = page.locator("[data-moving]").inner_text()
        page.wait_for_function(
            "(before) => document.querySelector('[data-moving]').innerText !== before", arg=before
        )
        assert value.is_visible()
        assert page.evaluate("document.querySelector('.hero').offsetHeight <= innerHeight")


def test_and_stands_still_where_that_is_asked_for(opened):
    with opened("index", reduced_motion="reduce") as page:
        before = page.locator("[data-moving]").inner_text()
        page.wait_for_timeout(2500)
        assert page.locator("[data-moving]").inner_text() == before
        assert page.locator("[data-moving] .value").count() > 5


def test_the_index_is_small_and_quick(opened, site):
    assert (site / "cells.html").stat().st_size < 300_000
    with opened("cells") as page:
        quickest = []
        for _ in range(3):
            page.reload()
            quickest.append(
                page.evaluate("performance.getEntriesByType('navigation')[0].domComplete")
            )
        assert min(quickest) < 1000


def shown(page):
    return page.locator(".cells tbody tr:visible").all_inner_texts()


def test_the_index_is_searched(opened):
    with opened("cells") as page:
        everything = shown(page)
        assert len(everything) == len(names())
        page.get_by_label("Search").fill("gated UNIT")
        found = shown(page)
        assert 1 <= len(found) < len(everything)
        assert all("gated" in row.lower() and "unit" in row.lower() for row in found)
        assert page.locator("#count").inner_text() == f"{len(found)} cells"
        page.reload()
        assert page.get_by_label("Search").input_value() == "gated UNIT" and shown(page) == found
        page.get_by_label("Search").fill("no such word")
        assert shown(page) == [] and page.locator("#count").inner_text() == "0 cells"
        page.get_by_label("Search").fill("")
        assert shown(page) == everything and "#" not in page.url


def test_the_index_is_filtered(opened):
    family = [cell for cell in map(load, names()) if cell.family == "LSTM"]
    counts = [len(cell.states) for cell in family]
    rarest = min(counts, key=counts.count)
    with opened("cells") as page:
        page.get_by_label("Family").select_option("LSTM")
        assert len(shown(page)) == len(family) < len(names())
        page.get_by_label("States").select_option(str(rarest))
        found = {row.split("\n")[1].split()[0] for row in shown(page)}
        assert found == {cell.name for cell in family if len(cell.states) == rarest}
        page.reload()
        assert len(shown(page)) == len(found)
        page.get_by_label("States").select_option("any")
        page.get_by_label("Since").fill("2014")
        since = shown(page)
        assert 1 <= len(since) < len(family)
        assert all(int(re.search(r"\b(19|20)\d\d\b", row)[0]) >= 2014 for row in since)
        page.get_by_label("Gates").select_option("0")
        without = [c for c in family if not c.gates and int(Facts(c).year) >= 2014]
        assert len(shown(page)) == len(without)


# --- the keyboard --------------------------------------------------------------------------------

STOPS = (
    f"""() => [...document.querySelectorAll('{FOCUSABLE}')].filter((e) => e.checkVisibility())"""
)
FOCUSED = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  const { top, bottom } = element.getBoundingClientRect();
  return {
    at: globalThis.stops.indexOf(element),
    what: element.outerHTML.slice(0, 120),
    isMarked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    isSeen: bottom > 0 && top < innerHeight,
  };
}"""


@pytest.mark.parametrize("name", ["index", "cells", "cells/lstm", "cells/slstm"])
def test_tab_reaches_everything(opened, name):
    with opened(name, reduced_motion="reduce") as page:
        count = page.evaluate(f"(globalThis.stops = ({STOPS})()).length")
        reached = []
        while count - 1 not in reached and len(reached) < 2 * count:
            page.keyboard.press("Tab")
            now = page.evaluate(FOCUSED)
            assert now["isMarked"] and now["isSeen"], now
            reached += [now["at"]] if now["at"] >= 0 else []
        assert reached == list(range(count))


@pytest.mark.parametrize("name", ["index", "cells/gru"])
def test_the_way_past_the_head(opened, name):
    with opened(name) as page:
        page.keyboard.press("Tab")
        skip = page.locator(":focus")
        assert skip.inner_text() == "Skip to the content"
        assert skip.bounding_box()["x"] >= 0
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")


def test_arrows_go_from_equation_to_equation(opened):
    with opened("cells/lstm") as page:
        rows = page.locator(".first .equations tr")
        rows.first.focus()
        for at in (1, 2):
            page.keyboard.press("ArrowDown")
            assert rows.nth(at).evaluate("(row) => row === document.activeElement")
        page.keyboard.press("ArrowUp")
        assert rows.nth(1).evaluate("(row) => row === document.activeElement")
        page.keyboard.press("End")
        page.keyboard.press("ArrowDown")
        assert rows.last.evaluate("(row) => row === document.activeElement")
        page.keyboard.press("Home")
        assert rows.first.evaluate("(row) => row === document.activeElement")


# --- what a checker of accessibility says --------------------------------------------------------


# What is alike a thousand times is looked at a few times: the words of code, by their colours.
FEWER = """() => {
  const seen = {};
  for (const word of document.querySelectorAll("pre span")) {
    seen[word.className] = (seen[word.className] ?? 0) + 1;
    if (seen[word.className] > 3) word.remove();
  }
}"""


def violations(page):
    """What is seriously wrong."""
    checker = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options = {"resultTypes": ["violations"], "preload": False}  # a file may not be asked for
    found = checker.run(page, options=options).response
    return {
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"][:3]
    }


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious(opened, name, scheme):
    with opened(name, color_scheme=scheme, reduced_motion="reduce") as page:
        page.evaluate(FEWER)
        assert violations(page) == set()
        page.set_viewport_size(PHONE)
        if name in ("index", "cells", "cells/gru"):
            assert violations(page) == set()


def test_nothing_serious_on_the_way_back(opened):
    with opened("cells/gru") as page:
        page.evaluate(FEWER)
        page.get_by_role("button", name="Backward").click()
        page.get_by_label("or a text").fill("hello")
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert violations(page) == set()


def test_the_checker_would_notice(opened):
    with opened("index") as page:
        page.evaluate("document.querySelector('.actions a').textContent = ''")
        page.add_style_tag(content=".lead { color: #ccc }")
        found = {line.partition(":")[0] for line in violations(page)}
        assert found == {"link-name", "color-contrast"}


# --- picture and equations -----------------------------------------------------------------------


def test_forward_and_backward(opened):
    with opened("cells/gru") as page:
        views = {v: page.locator(f"[data-view={v}]") for v in ("forward", "backward")}
        buttons = {v: page.get_by_role("button", name=v.title()) for v in views}
        for chosen, other in (("backward", "forward"), ("forward", "backward")):
            buttons[chosen].press("Enter")
            assert views[chosen].is_visible() and not views[other].is_visible()
            assert buttons[chosen].get_attribute("aria-pressed") == "true"
            assert buttons[other].get_attribute("aria-pressed") == "false"


LIT = """() => [...document.querySelectorAll("[data-view=forward] .node.lit")]
  .map((node) => node.dataset.q)"""


def test_an_equation_lights_its_part(opened):
    with opened("cells/gru") as page:
        row = page.locator(".first tr[data-q='r']")
        quiet = page.evaluate(LIT)
        row.hover()
        assert page.evaluate(LIT) == ["r"] and quiet == []
        page.locator(".first tr[data-q='a_z']").hover()
        assert page.evaluate(LIT) == ["z"], "a pre-activation is its layer's"
        page.locator("h1").hover()
        assert page.evaluate(LIT) == []
        row.focus()
        assert page.evaluate(LIT) == ["r"]


def test_a_part_lights_its_equation(opened):
    with opened("cells/gru") as page:
        page.locator("[data-view=forward] .node[data-q='z']").hover()
        lit = page.locator(".first math [data-q='z'].lit")
        assert lit.count() >= 2
        plain = page.locator(".first math [data-q='r']").first
        colour = "(element) => getComputedStyle(element).backgroundColor"
        assert lit.first.evaluate(colour) != plain.evaluate(colour)
