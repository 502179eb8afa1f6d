import re
from html.parser import HTMLParser

import pytest

from bench.methods.registry import variants
from bench.runs.record import find_runs
from reports.html.templating import script_digest
from reports.tables.build import NUMBERS, build_table, paper_table
from reports.tables.html import table_html, tables_page
from reports.tables.render import render
from reports.tables.table import Cell, Column, Row, Table


class Cells(HTMLParser):
    """The rows of a table: its attributes and the text of each cell, bold ones in asterisks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[tuple[dict, list[str]]] = []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append((dict(attributes), []))
        if tag in ("td", "th"):
            self.rows[-1][1].append("")
            self.inside = True
        if tag == "strong":
            self.handle_data("*")

    def handle_endtag(self, tag):
        if tag == "strong":
            self.handle_data("*")
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][1][-1] += " ".join(data.split())


def cell(value, text=None):
    return Cell(value, text or f"{value:.4f}")


def row(method, measured, published=None, marks=(), source="measured"):
    columns = ("smic_uar", "smic_uf1")
    return Row(
        method=method,
        variant=method,
        source=source,
        published=dict.fromkeys(columns) | (published or {}),
        measured=dict.fromkeys(columns) | measured,
        marks=marks,
        configuration="small-aaaa1111",
    )


def table(*rows, notes=()):
    columns = (
        Column("smic_uar", "UAR", over="SMIC", better=max),
        Column("smic_uf1", "UF1", over="SMIC", better=max),
    )
    return Table(4, "Table 4", "A caption", columns, rows, notes)


def test_each_line_names_its_method_and_a_difference_follows_its_values():
    shown = table(row("A", {"smic_uar": cell(0.5)}, {"smic_uar": cell(0.75)}))
    _, *lines = Cells(table_html(shown)).rows
    assert [texts[:3] for _, texts in lines] == [
        ["A", "published", "0.7500"],
        ["A", "measured", "0.5000"],
        ["A", "difference", "-0.2500"],
    ]
    assert ["data-follows" in attributes for attributes, _ in lines] == [False, False, True]


def test_the_best_measured_value_of_a_column_is_bold():
    shown = table(
        row("A", {"smic_uar": cell(0.5), "smic_uf1": cell(0.25)}),
        row("B", {"smic_uar": cell(0.625), "smic_uf1": cell(0.125)}),
    )
    _, *lines = Cells(table_html(shown)).rows
    assert [texts[2:4] for _, texts in lines] == [["0.5000", "*0.2500*"], ["*0.6250*", "0.1250"]]


def test_numbers_sort_by_value_and_what_has_none_has_no_order():
    html = table_html(table(row("A", {"smic_uar": cell(0.123456, "0.1235")})))
    assert 'data-order="0.123456">0.1235' in html
    assert html.count("data-order") == 1
    kinds = re.findall(r'data-kind="(\w+)"', html)
    assert kinds == ["text", "text", "number", "text"]


def test_a_spread_stands_beside_its_mean():
    spread = Cell(0.5, "0.5000 ± 0.0250", 0.025, 3)
    (_, texts) = Cells(table_html(table(row("A", {"smic_uar": spread})))).rows[1]
    assert texts[2] == "0.5000± 0.0250"


def test_marks_have_their_meaning_as_a_tooltip():
    html = table_html(table(row("A", {"smic_uar": cell(0.5)}, marks=("surrogate", "3 seeds"))))
    tooltip = 'title="generated clips, not the licensed data set">surrogate</li>'
    assert tooltip in html and '<li data-mark="3 seeds">3 seeds</li>' in html


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_hostile_names_are_text(hostile):
    shown = table(row(hostile, {"smic_uar": cell(0.5)}, marks=(hostile,)), notes=(hostile,))
    html = table_html(shown)
    assert "<script" not in html and "<img" not in html
    assert html.count("alert(1)") >= 3


@pytest.mark.parametrize("number", NUMBERS)
def test_every_table_has_all_its_lines_and_a_value_for_every_column(made_runs, number):
    records, _ = find_runs(made_runs)
    built = build_table(number, records, variants())
    head, *lines = Cells(table_html(built)).rows
    assert len(head[1]) == len(built.columns) + 2
    assert {len(texts) for _, texts in lines} == {len(head[1])}
    markdown = render([built], "md").splitlines()
    assert len(lines) == sum(line.startswith("|") for line in markdown) - 2


def test_a_heading_has_the_data_set_over_the_metric():
    headings = {
        column.name: (column.over, column.heading)
        for number in NUMBERS
        for column in paper_table(number).columns
    }
    assert headings["casme2_uf1"] == ("CASME II", "UF1")
    assert headings["params_m"] == ("", "Params (M)")


def test_the_page_asks_for_nothing_and_lets_its_own_script_run_alone():
    page = tables_page([build_table(number, [], variants()) for number in NUMBERS])
    assert re.findall(r"(?:src|href)=\"([^\"]*)\"", page) == ["data:,"]
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert f"script-src '{script_digest(script)}'" in page
    assert page.count('id="table-') == 8  # each with its title
