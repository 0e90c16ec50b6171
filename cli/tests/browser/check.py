"""The report in a browser: without a network, without script, light and dark, and what axe-core says. Run by run.sh."""

import csv
import re
import sys
import time
from collections import Counter
from importlib.resources import files
from pathlib import Path

from playwright.sync_api import sync_playwright

FOLDER = Path(sys.argv[1])
CHROMIUM = sys.argv[2]
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()

# WCAG 2.2, 1.4.3: text against what is behind it.
CONTRAST = 4.5


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def style(page, selector, name):
    return page.locator(selector).first.evaluate(f"element => getComputedStyle(element).{name}")


def opened(browser, name, scheme):
    """The page, opened as a user with neither network nor script would."""
    context = browser.new_context(
        color_scheme=scheme, java_script_enabled=False, offline=True, viewport={"width": 1200, "height": 1400}
    )
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    begun = time.monotonic()
    page.goto((FOLDER / f"{name}.html").as_uri())
    print(f"{name}, {scheme}: loaded in {time.monotonic() - begun:.2f} s")
    assert len(asked) == 1, f"it asks for {asked[1:]}"
    assert not said, said
    assert page.locator("script").count() == 0
    return page


def numbers(page):
    """The tiles, and the table by outcome and reason."""
    tiles = {tile.locator("span").inner_text(): int(tile.locator("b").inner_text()) for tile in page.locator(".tile").all()}
    rows = page.locator("h2:has-text('By outcome') + div tbody tr").all()
    outcomes = {row.locator("td").nth(0).inner_text(): int(row.locator("td").nth(1).inner_text()) for row in rows}
    return tiles, outcomes


def expected(name):
    with (FOLDER / f"{name}.csv").open(newline="") as file:
        csv.field_size_limit(1 << 24)
        rows = Counter((row["outcome"], row["reason"]) for row in csv.DictReader(file))
    return {f"{kind}({reason})" if reason else kind: count for (kind, reason), count in rows.items()}


def is_right(page, name):
    tiles, outcomes = numbers(page)
    assert outcomes == expected(name), outcomes
    assert tiles["found"] == sum(outcomes.values()) == sum(tiles.values()) - tiles["found"], tiles
    for picture in page.locator("svg").all():
        box = picture.bounding_box()
        assert box["width"] > 100 and box["height"] > 40, box
        assert picture.get_attribute("aria-label")


def is_readable(page):
    ground, card = style(page, "body", "backgroundColor"), style(page, ".tile", "backgroundColor")
    for selector, behind in [("h1", ground), ("p.quiet", ground), ("summary .what", ground), (".tile b", card)]:
        ratio = contrast(style(page, selector, "color"), behind)
        assert ratio >= CONTRAST, f"{selector}: {ratio:.1f} on {behind}"
    for selector in ["svg text", "svg .number"]:
        ratio = contrast(style(page, selector, "fill"), card)
        assert ratio >= CONTRAST, f"{selector}: {ratio:.1f} on {card}"
    wide = page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert wide, "it scrolls sideways"
    return ground


def rules():
    """What the CSV has a column for, between the decision's time and the requests."""
    with (FOLDER / "small.csv").open(newline="") as file:
        columns = next(csv.reader(file))
    return columns[columns.index("decided_at") + 1 : columns.index("graph_request_ids")]


def leads_to_the_decision(page):
    line = page.locator("details").first
    rule = line.locator("td", has_text="user_exists")
    assert not rule.is_visible()
    line.locator("summary").click()
    assert rule.is_visible()
    assert line.locator("table").last.locator("tbody tr").count() == len(rules())


def is_accessible(browser, name, scheme):
    """What axe-core finds with some users expanded. The page has no script: axe is the only one, let past its policy."""
    context = browser.new_context(color_scheme=scheme, offline=True, bypass_csp=True, viewport={"width": 1200, "height": 1400})
    page = context.new_page()
    page.goto((FOLDER / f"{name}.html").as_uri())
    for user in page.locator("details").all()[:5]:
        user.evaluate("element => { element.open = true }")
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")
    faults = [f"{fault['id']}: {fault['nodes'][0]['html'][:200]}" for fault in found["violations"]]
    assert not faults, "\n".join(faults)
    assert len(found["passes"]) >= 30, "axe looked at nothing"
    print(f"{name}, {scheme}: axe-core {found['testEngine']['version']} passes it by {len(found['passes'])} rules")
    # A page without names for pictures must not pass.
    page.evaluate("document.querySelectorAll('svg').forEach(svg => svg.removeAttribute('aria-label'))")
    assert page.evaluate("axe.run()")["violations"], "axe finds nothing where something is wrong"
    context.close()


def prints_everything(browser):
    """A printed page shows what is behind each line, too: a closed one has no other way to open."""
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((FOLDER / "small.html").as_uri())
    page.emulate_media(media="print")
    assert page.locator("details td", has_text="user_exists").first.is_visible()
    assert not page.locator("nav").is_visible()
    context.close()


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    grounds = set()
    for name in ["small", "large"]:
        for scheme in ["light", "dark"]:
            page = opened(browser, name, scheme)
            is_right(page, name)
            grounds.add(is_readable(page))
            leads_to_the_decision(page)
            if name == "small":
                page.screenshot(path=FOLDER / f"{scheme}.png")
            page.set_viewport_size({"width": 390, "height": 844})
            is_readable(page)
            page.context.close()
            if name == "small":
                is_accessible(browser, name, scheme)
    prints_everything(browser)
    assert len(grounds) == 2, "dark is not light"
    rows = (FOLDER / "large.html").read_text().count("<details")
    assert rows <= 1_200, rows
    browser.close()
print(f"the report is right, in {browser.browser_type.name}; pictures of it are in {FOLDER}")
