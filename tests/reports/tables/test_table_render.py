import csv
import io
import json
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.methods.registry import variants
from reports.published import published_table
from reports.tables.build import NUMBERS, build_table
from reports.tables.latex import escape
from reports.tables.lines import lines
from reports.tables.render import STYLES, render

DOCUMENT = (
    "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n%s\n\\end{document}"
)


@pytest.fixture
def tables(record, metrics):
    """All four tables of seeds, a slice, a surrogate, an incomplete run, a control and profiles."""
    profile = {"params": 2_345_678, "checkpoint_mb": 18.765}
    slices = {"smic": metrics(0.3), "samm": metrics(None, absent=["surprise"])}
    runs = [
        record(seed=0, uar=0.4, profile=profile),
        record(seed=1, uar=0.6, profile=profile),
        record(dataset="composite", metrics=metrics(0.7, slices=slices)),
        record(surrogate=True, preset="smoke", metrics=metrics(scope="all"), total=4, done=3),
        record(variant="random_rnas_mer", config_hash="bbbb2222"),
        record(variant="rnas_mer_4b", profile=profile),
    ]
    return [build_table(number, runs, variants()) for number in NUMBERS]


def test_lines_put_measured_below_published(tables):
    of_rnas_mer = lines(tables[2])[4:10]
    assert [(line.method, line.source) for line in of_rnas_mer] == [
        ("RNAS-MER", "published"),
        ("", "measured"),
        ("", "difference"),
        ("", "slice"),
        ("", "measured"),
        ("", "difference"),
    ]
    assert of_rnas_mer[1].texts[3] == "0.5000 ± 0.1414"
    assert of_rnas_mer[1].texts[5] == "–"


def test_differences_are_measured_less_published_and_say_where_clips_differ(tables):
    real, surrogate = (line for line in lines(tables[2]) if line.source == "difference")
    assert real.texts[3] == "-0.2620"  # 0.5 - 0.7620
    assert real.texts[5] == "–"
    assert real.marks == ()
    assert surrogate.marks == ("surrogate against real clips",)
    rows = json.loads(render(tables[2:3], "json"))["rows"]
    measured = next(row for row in rows if row["source"] == "measured")
    assert measured["difference"]["smic_uar"] == pytest.approx(0.5 - 0.7620)
    assert measured["difference"]["samm_uar"] is None


def test_the_best_of_each_contest_is_bold(record):
    runs = [record(variant=f"rnas_mer_{n}", uar=0.1 * n) for n in (1, 2, 3)]
    runs += [record(variant="rnas_mer", uar=0.9, surrogate=True)]  # alone on generated clips
    table = build_table(4, runs, variants())
    text = render([table], "md")
    assert "**0.3000**" in text
    assert not any(f"**{value}**" in text for value in ("0.1000", "0.2000", "0.9000"))
    assert "**0.9029**" in text  # published: RNAS-MER's accuracy on the composite
    assert r"\textbf{0.3000}" in render([table], "latex")


def test_in_table_5_the_smallest_is_best(record):
    sizes = {"rnas_mer": 3e6, "rnas_mer_3": 2e6}
    runs = [
        record(variant=name, profile={"params": size, "checkpoint_mb": size / 1e5})
        for name, size in sizes.items()
    ]
    text = render([build_table(5, runs, variants())], "md")
    assert "**2.00**" in text and "**3.00**" not in text


def test_a_method_that_the_paper_does_not_have_is_named_on_its_first_line(tables):
    assert [line.method for line in lines(tables[2])[10:]] == ["rnas_mer_4b", "random_rnas_mer"]


def test_json_keeps_the_contract(tables):
    read = json.loads(render(tables, "json"))
    assert [each["table"] for each in read] == [2, 3, 4, 5]
    for each in read:
        printed = published_table(each["table"]).columns
        assert tuple(each["columns"][: len(printed)]) == printed
        for row in each["rows"]:
            assert list(row["published"]) == list(row["measured"]) == each["columns"]
            assert isinstance(row["marks"], list) and isinstance(row["method"], str)
    assert json.loads(render(tables[:1], "json"))["table"] == 2


def test_json_carries_values_deviations_and_provenance(tables):
    read = json.loads(render(tables[2:3], "json"))
    row = next(each for each in read["rows"] if each["source"] == "measured")
    assert row["method"] == "RNAS-MER"
    assert row["published"]["composite_acc"] == 0.9029
    assert row["measured"]["smic_uar"] == pytest.approx(0.5)
    assert row["measured"]["samm_uar"] is None
    assert row["sd"]["smic_uar"] == pytest.approx(0.02**0.5)
    assert row["seeds"]["smic_uar"] == 2
    assert len(row["runs"]) == 3 and set(row["runs"]) <= set(read["runs"])


def test_csv_reads_back_line_by_line(tables):
    (table,) = tables[2:3]
    read = list(csv.DictReader(io.StringIO(render([table], "csv"))))
    assert [row["source"] for row in read] == [line.source for line in lines(table)]
    published = next(row for row in read if row["method"] == "RNAS-MER")
    assert float(published["composite_acc"]) == 0.9029
    measured = next(row for row in read if row["source"] == "measured")
    assert float(measured["smic_uar"]) == pytest.approx(0.5)
    assert float(measured["smic_uar_sd"]) == pytest.approx(0.02**0.5)
    assert measured["samm_uar"] == "" and "seeds" in measured["marks"]
    spreads = [name for name in read[0] if name.endswith("_sd")]
    assert spreads and all(any(row[name] for row in read) for name in spreads)


def test_several_tables_are_sheets_of_their_own(tables):
    sheets = render(tables, "csv").split("\n\n")
    assert sheets == [render([table], "csv") for table in tables]
    for table, sheet in zip(tables, sheets, strict=True):
        first, *_ = read = list(csv.DictReader(io.StringIO(sheet)))
        assert {row["table"] for row in read} == {str(table.number)}
        assert {column.name for column in table.columns} < set(first)


def test_markdown_is_a_rectangle_under_its_caption(tables):
    for table in tables:
        text = render([table], "md")
        grid = [line for line in text.splitlines() if line.startswith("|")]
        assert len(grid) == len(lines(table)) + 2
        assert {line.count("|") for line in grid} == {len(table.columns) + 4}
        assert text.startswith(f"**Table {table.number}. ")
        assert all(f"- {note}" in text for note in table.notes)


def test_markdown_shows_marks_and_explains_them(tables):
    text = render(tables, "md")
    assert "smoke: nothing converged" in text
    assert "no surprise" in text
    assert re.search(
        r"\| measured .*surrogate; smoke; leaky: search_scope=all; incomplete 3/4", text
    )


def test_published_cells_stand_as_printed(tables):
    text = render(tables, "md")
    for table in (published_table(number) for number in NUMBERS):
        for row in table.rows:
            for cell in filter(None, row.cells.values()):
                assert f" {cell} |" in text or f" **{cell}** |" in text


def test_latex_balances_and_numbers_its_marks(tables):
    text = render(tables, "latex")
    bare = re.sub(r"\\.", "", text)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    for environment in ("table*", "tabular"):
        assert text.count(f"\\begin{{{environment}}}") == len(tables)
        assert text.count(f"\\end{{{environment}}}") == len(tables)
    assert text.isascii()


def test_latex_rows_have_as_many_cells_as_columns(tables):
    for table in tables:
        text = render([table], "latex")
        columns = len(re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)[1])
        body = text.split("\\midrule\n")[1].split("\n\\bottomrule")[0].splitlines()
        assert len(body) == len(lines(table))
        for line in body:
            assert len(re.findall(r"(?<!\\)&", line)) == columns - 1 and line.endswith("\\\\")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tables, tmp_path):
    (tmp_path / "tables.tex").write_text(DOCUMENT % render(tables, "latex"))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]


@given(st.text())
def test_escaped_text_has_no_bare_special_character(text):
    commands = r"\\text\w+\{\}|\$\\\w+\$|\\[&%$#_{}]|-\{\}-"
    bare = re.sub(commands, "", escape(text))
    assert not set(bare) & set("\\~^&%$#_{}")


def test_options_in_notes_keep_both_hyphens():
    assert escape("--preset a_b – ±") == r"-{}-preset a\_b \textendash{} $\pm$"


@pytest.mark.parametrize("style", STYLES)
def test_every_style_renders_without_runs(style):
    assert render([build_table(number, [], variants()) for number in NUMBERS], style)
