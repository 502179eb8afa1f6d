"""The report as a reader's browser runs it: headless Chromium on the file itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import urlparse

import pytest
from real_runs import BY_FOLD, COMPOSITE, SEARCHED

READY = "return document.readyState === 'complete' && !!document.querySelector('thead button')"
PATIENCE = 60
"""Seconds after which the browser is not slow but has failed."""

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A browser with an empty profile of its own."""
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} here (Debian: apt install chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = found["chromium"]
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(found["chromedriver"]))
    yield driver
    driver.quit()


class Page:
    """The report in the browser."""

    def __init__(self, driver, address: str) -> None:
        self.driver, self.address = driver, address

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def open(self, place: str = "") -> None:
        self.driver.get("about:blank")
        self.driver.get(self.address + place)
        self.wait_until(lambda: self.shown and self.run(READY))

    def wait_until(self, holds: Callable[[], object]) -> None:
        """Until the page's script, which may be late, has brought about what is asked for."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, PATIENCE).until(lambda _: holds())

    def comes_to(self, part: str) -> None:
        """Waits until this part alone is visible."""
        self.wait_until(lambda: self.shown == [part])

    def all(self, selector: str) -> list:
        return self.driver.find_elements("css selector", selector)

    def one(self, selector: str):
        return self.driver.find_element("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        return [element.text for element in self.all(selector)]

    def rows(self, selector: str) -> list[list[str]]:
        """The first line of the cells of a table's visible rows: names without their marks."""
        return self.run(
            "return [...document.querySelector(arguments[0]).tBodies[0].rows]"
            ".filter(row => !row.hidden).map(row => [...row.cells].map("
            "cell => cell.innerText.trim().split('\\n')[0]))",
            selector,
        )

    @property
    def shown(self) -> list[str]:
        """The parts that are visible."""
        return self.run(
            "return [...document.querySelectorAll('.page')]"
            ".filter(page => page.offsetHeight > 0).map(page => page.id)"
        )


@pytest.fixture(scope="module")
def address(made_report, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(made_report.html, encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def page(chromium, address):
    """The report, just opened; afterwards: nothing was wrong, and nothing was asked for."""
    chromium.get_log("browser"), chromium.get_log("performance")
    opened = Page(chromium, address)
    opened.open()
    yield opened
    assert chromium.get_log("browser") == []
    asked = [
        message["params"]["request"]["url"]
        for entry in chromium.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"]
        == "Network.requestWillBeSent"
    ]
    local = {"file", "data", "about", "chrome", "chrome-untrusted"}  # the browser's own first tab
    assert {urlparse(url).scheme for url in asked} <= local
    assert {url.split("#")[0] for url in asked if url.startswith("file:")} == {address}
    assert opened.run("return performance.getEntriesByType('resource').length") == 0


def anchor(made_report, name):
    """The anchor of a run."""
    (found,) = (v.anchor for v in made_report.views if name in v.record.folder.as_posix())
    return found


def test_it_opens_on_the_first_page_alone(page, made_report):
    assert page.shown == ["start"]
    assert page.one("h1").text == "A report"
    assert len(page.rows("#run-list")) == len(made_report.views)
    assert len(page.all("#start .drawing svg")) == 1
    assert [len(page.all(f"#start {part}")) for part in (".forest svg", ".leaders")] == [3, 3]


FOLLOWING = ("95 %", "difference")
"""Lines that belong to the values above them."""


def test_a_column_sorts_by_number_and_back(page):
    column = 3  # UAR of the composite in Table 2
    before = page.rows("#table-2 table")
    button = page.all("#table-2 thead button")[column]
    heads = "#table-2 thead th"

    def values():
        return [row[column] for row in page.rows("#table-2 table") if row[1] not in FOLLOWING]

    def numbers():
        return [float(text) for text in values() if text != "–"]

    for order, reverse in (("ascending", False), ("descending", True)):
        button.click()
        assert page.all(heads)[column].get_attribute("aria-sort") == order
        assert numbers() == sorted(numbers(), reverse=reverse)
        assert values()[: len(numbers())] != values()[-len(numbers()) :]
        assert "–" not in values()[: len(numbers())], "what has no value comes last"
    assert page.rows("#table-2 table") != before
    button.click()
    assert page.all(heads)[column].get_attribute("aria-sort") == "none"
    assert page.rows("#table-2 table") == before


SORTED_COPY = """
const table = document.querySelector(".run table.sortable").cloneNode(true);
const [row] = table.tBodies[0].rows;
table.id = "tested";
table.tBodies[0].replaceChildren();
for (const value of [2, 10, 1, null, -3, 1e-5]) {
  const made = row.cloneNode(true);
  made.cells[2].textContent = value ?? "n/a";
  delete made.cells[2].dataset.order;
  if (value !== null) made.cells[2].dataset.order = value;
  table.tBodies[0].append(made);
}
document.getElementById("start").append(table);
makeSortable(table);
table.tHead.rows[0].cells[2].querySelector("button").click();
"""
"""A table of our own numbers in the third column, sorted by it."""


def test_sorting_compares_numbers_and_not_their_text(page):
    """As text, 10 stands before 2."""
    page.run(SORTED_COPY)
    assert [row[2] for row in page.rows("#tested")] == ["-3", "0.00001", "1", "2", "10", "n/a"]


def test_an_interval_and_a_difference_stay_below_their_values(page):
    page.all("#table-4 thead button")[5].click()
    rows = page.rows("#table-4 table")
    above = {"95 %": ("measured", "slice"), "difference": ("measured", "slice", "95 %")}
    for before, row in pairwise(rows):
        if row[1] in FOLLOWING:
            assert before[1] in above[row[1]] and before[0] == row[0]
    assert {row[1] for row in rows} >= set(FOLLOWING)


def test_headings_sort_by_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    page.all("#run-list thead button")[0].send_keys(Keys.ENTER)
    names = [row[0] for row in page.rows("#run-list")]
    assert names == sorted(names) and len(set(names)) > 1


def test_a_run_opens_and_the_back_button_returns(page, made_report):
    wanted = anchor(made_report, SEARCHED)
    page.run("arguments[0].scrollIntoView()", link := page.one(f"#run-list a[href='#{wanted}']"))
    link.click()
    page.comes_to(wanted)
    assert page.driver.current_url.endswith(f"#{wanted}")
    assert page.one(f"#{wanted} h1").text == "rnas_mer_3 on SMIC (surrogate)"
    assert len(page.all(f"#{wanted} figure svg")) == 4
    assert page.run("return document.activeElement.tagName") == "H1"
    page.driver.back()
    page.comes_to("start")
    page.driver.forward()
    page.comes_to(wanted)


def test_an_address_leads_to_a_run(page, made_report):
    wanted = anchor(made_report, BY_FOLD)
    page.open(f"#{wanted}")
    assert page.shown == [wanted]
    page.one("nav a[href='#tables']").click()
    page.comes_to("start")
    top = "return document.getElementById('tables').getBoundingClientRect().top"
    page.wait_until(lambda: abs(page.run(top)) < 120)


def test_an_address_of_nothing_leads_to_the_first_page(page):
    page.open("#run-that-is-gone")
    assert page.shown == ["start"]


def test_the_filter_keeps_runs_with_all_words(page):
    field = page.one("#filter")
    field.send_keys("smic RNAS_mer_3")
    assert {row[0] for row in page.rows("#run-list")} == {"rnas_mer_3", "random_rnas_mer_3"}
    assert page.one("#shown").text == "2 of 4 runs"
    field.send_keys(" nowhere")
    assert page.rows("#run-list") == []
    field.clear()
    field.send_keys(" ")
    assert len(page.rows("#run-list")) == 4


OUT_OF_SIGHT = """
document.querySelectorAll(".scroll").forEach((part) => { part.scrollLeft = arguments[0]; });
const marks = [...document.querySelectorAll(".page.shown .marks li")];
const out = marks.map((mark) => [mark.textContent, mark.getBoundingClientRect()])
  .filter(([, place]) => place.left < 0 || place.right > innerWidth || !place.width);
return [marks.length, out.map(([text]) => text)];
"""
"""Marks on the page, and those that are outside the window where tables are scrolled so far."""


@pytest.mark.parametrize("width", [390, 480, 900])
def test_no_part_is_wider_than_the_window_and_marks_stay_in_sight(page, made_report, width):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == 390}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for place in ("", f"#{anchor(made_report, COMPOSITE)}", "#compare"):
            page.open(place)
            assert page.run("return document.documentElement.scrollWidth") <= width, place
            for scrolled in (0, 9999):
                count, out = page.run(OUT_OF_SIGHT, scrolled)
                assert count and out == [], (place, scrolled)
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_click_opens_the_seeds_of_a_method(page):
    row = page.one(".leaders tbody tr")
    seed = row.find_element("css selector", "a[href^='#run-']")
    assert not seed.is_displayed()
    row.find_element("css selector", "summary").click()
    assert seed.is_displayed() and seed.text == "seed 0"
    wanted = seed.get_attribute("href").partition("#")[2]
    seed.click()
    page.comes_to(wanted)


def test_figures_follow_the_colours_of_the_reader(page):
    """The chart takes the page's colours, the other figures are inverted with their hues kept."""

    def drawn(scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        return page.run(
            "const style = (part) => getComputedStyle(document.querySelector(part));"
            "return [style('.forest circle').stroke, style('.drawing svg').filter]"
        )

    try:
        light, dark = drawn("light"), drawn("dark")
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert all(one != other for one, other in zip(light, dark, strict=True))


def test_a_marked_number_does_not_look_like_a_clean_one(page):
    styles = page.run(
        "return ['.leaders td.score', '#table-2 tr[data-source=\\'published\\'] td.number'].map("
        "(part) => getComputedStyle(document.querySelector(part)).fontStyle)"
    )
    assert styles == ["italic", "normal"]


PICKED = """
const part = document.querySelector(".compared");
const [pair] = part.querySelectorAll(".pairs tbody tr");
const other = pair.cloneNode(true);
other.dataset.places = "0 2";
pair.after(other);
const [clip] = part.querySelectorAll(".clips tbody tr");
const alike = clip.cloneNode(true);
alike.cells[1].style.cssText = alike.cells[2].style.cssText;
clip.after(alike);
part.querySelectorAll("select").forEach((choice, place) => { choice.value = place; });
part.querySelector(".pick").dispatchEvent(new Event("change"));
return [pair, other, clip, alike].map((row) => row.hidden);
"""
"""Chooses both methods beside a pair of others and a clip that they answer alike."""


def test_two_methods_chosen_leave_their_pair_and_the_clips_they_differ_on(page):
    page.open("#compare")
    assert page.run(PICKED) == [False, True, False, True]


def test_without_its_script_everything_is_there(page, made_report):
    page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.driver.get("about:blank")
        page.driver.get(page.address)
        wanted = ["start", "compare", "settings", *(view.anchor for view in made_report.views)]
        page.wait_until(lambda: page.shown == wanted)
    finally:
        page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
