from dataclasses import replace

from built_tables import table

from bench.methods.registry import variants
from reports.tables.build import build_table


def test_table_3_sets_the_registered_variants_beside_the_published_settings():
    built = table(3)
    paper = [row for row in built.rows if any(row.published.values())]
    assert len(paper) == 5
    for row in paper:
        for column, cell in row.published.items():
            assert cell is None or cell.value == row.measured[column].value, (row.method, column)
        assert row.source == "registered" and row.marks == ()
    assert [row.variant for row in built.rows[5:]] == ["rnas_mer_4b"]


def test_table_3_marks_what_differs_and_what_is_not_registered():
    known = dict(variants())
    space = replace(known["rnas_mer_3"].space, attention=True, partial=1)
    known["rnas_mer_3"] = replace(known["rnas_mer_3"], space=space)
    del known["rnas_mer_1"]
    rows = {row.variant: row for row in build_table(3, [], known).rows}
    assert rows["rnas_mer_3"].marks == ("differs: pc, st_att",)
    assert rows["rnas_mer_1"].marks == ("published only",)
    assert not any(rows["rnas_mer_1"].measured.values())
