import pytest
from built_tables import table

from reports.published import published_table
from reports.tables.build import NUMBERS
from reports.tables.table import Cell


@pytest.mark.parametrize("number", NUMBERS)
def test_without_runs_the_published_side_is_all_there(number):
    printed = published_table(number)
    built = table(number)
    rows = built.rows[: len(printed.rows)]
    assert [row.method for row in rows] == [row.method for row in printed.rows]
    for row, source in zip(rows, printed.rows, strict=True):
        assert {column: row.published[column] for column in printed.columns} == {
            column: None if text is None else Cell(source.value(column), text)
            for column, text in source.cells.items()
        }
    if number != 3:
        assert all(not any(row.measured.values()) for row in built.rows)
        assert "no finished run" in built.caption


def test_unregistered_methods_are_published_only_and_ours_not_measured():
    sources = {row.method: row.source for row in table(2).rows}
    assert sources["MTMNet"] == "published only"
    assert sources["STSTNet"] == "not measured"
    assert sources["RNAS-MER"] == "not measured"


def test_what_the_paper_does_not_have_comes_after_its_rows(record):
    names = ("random_rnas_mer", "rnas_mer_4b", "rnas_mer_1")
    built = table(4, *(record(variant=name) for name in names))
    assert [row.variant for row in built.rows[-2:]] == ["rnas_mer_4b", "random_rnas_mer"]
    ours, control = built.rows[-2:]
    assert ours.marks == ("ours, not in the paper",)
    assert control.marks == ("random control",)
    assert not any(ours.published.values()) and not any(control.published.values())
