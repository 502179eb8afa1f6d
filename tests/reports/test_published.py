"""The data files against values typed from the paper a second time, and against its own sums."""

import pytest

from reports.published import (
    mark_meanings,
    paper,
    published_only,
    published_table,
)

NAS = ("autodeeplab_3d", "automer_3d", *(f"rnas_mer_{k}" for k in (1, 2, 3, 4)), "rnas_mer")


def row(number, method):
    return next(each for each in published_table(number).rows if each.method == method)


def values(number, method):
    printed = row(number, method)
    return [printed.value(column) for column in published_table(number).columns]


@pytest.mark.parametrize(("number", "rows"), [(2, 14), (3, 5), (4, 5), (5, 12)])
def test_every_row_of_a_table_is_there_with_its_columns(number, rows):
    table = published_table(number)
    assert len({each.method for each in table.rows}) == len(table.rows) == rows
    assert all(tuple(each.cells) == table.columns for each in table.rows)
    assert "LOSO" in table.caption or number in (3, 5)


@pytest.mark.parametrize(
    ("number", "method", "expected"),
    [
        (2, "Dual_Inc", [None, 0.7278, 0.7322, 0.6726, 0.6645, 0.856, 0.8621, 0.5663, 0.5868]),
        (2, "STSTNet", [0.7692, 0.7605, 0.7353, 0.7013, 0.6801, 0.8686, 0.8382, 0.681, 0.6588]),
        (2, "MTMNet", [None, 0.857, 0.864, 0.861, 0.864, 0.872, 0.87, 0.819, 0.825]),
        (2, "CLFM", [None, 0.72, 0.75, 0.71, 0.71, 0.77, 0.72, 0.51, 0.65]),
        (2, "Graph-CNN", [None, 0.7933, 0.7914, 0.7215, 0.7192, 0.871, 0.8798, 0.789, 0.7751]),
        (4, "RNAS-MER_2", [0.8371, 0.7645, 0.7217, 0.6916, 0.6492, 0.6202, 0.5806, 0.7596, 0.7157]),
        (4, "RNAS-MER_4", [0.8392, 0.7762, 0.7472, 0.6493, 0.5847, 0.8797, 0.8754, 0.7819, 0.7514]),
        (3, "RNAS-MER_1", ["α, β", False, True, False, False]),
        (3, "RNAS-MER", ["α, β, η", True, False, True, True]),
        (5, "LEARNet", [1.8, None]),
        (5, "AffectNet", [2.2, 8.3]),
        (5, "AutoMER", [11.51, 92.4]),
    ],
)
def test_rows_as_printed(number, method, expected):
    assert values(number, method) == expected


@pytest.mark.parametrize(
    ("column", "total"),
    [
        ("composite_acc", 3.2795),
        ("composite_uar", 10.7289),
        ("composite_uf1", 10.6807),
        ("smic_uar", 9.992),
        ("smic_uf1", 9.8005),
        ("casme2_uar", 11.5907),
        ("casme2_uf1", 11.5594),
        ("samm_uar", 9.9151),
        ("samm_uf1", 10.0773),
    ],
)
def test_columns_of_table_2_add_up(column, total):
    cells = [each.value(column) for each in published_table(2).rows]
    assert sum(cell for cell in cells if cell is not None) == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(
    ("column", "autodeeplab", "automer"),
    [
        ("composite_uar", 0.1139, 0.1301),
        ("composite_uf1", 0.1309, 0.1444),
        ("smic_uar", 0.1187, 0.0395),
        ("smic_uf1", 0.1523, 0.0718),
        ("casme2_uar", 0.1838, 0.1495),  # the text says 0.1921 of the first
        ("casme2_uf1", 0.1828, 0.1651),
        ("samm_uar", 0.0626, 0.1158),
        ("samm_uf1", 0.0688, 0.1372),
    ],
)
def test_gains_that_the_text_claims_follow_from_table_2(column, autodeeplab, automer):
    ours, first, second = (
        row(2, name).value(column) for name in ("RNAS-MER", "AutoDeepLab (3D)", "AutoMER (3D)")
    )
    assert (ours - first, ours - second) == pytest.approx((autodeeplab, automer), abs=1e-9)


def test_rnas_mer_is_the_same_in_tables_2_and_4():
    assert values(2, "RNAS-MER") == values(4, "RNAS-MER")


def test_the_repeated_cells_of_study_3_are_kept():
    repeated = row(4, "RNAS-MER_3")
    assert repeated.value("samm_uar") == repeated.value("smic_uar") == 0.6407
    assert repeated.value("samm_uf1") == repeated.value("smic_uf1") == 0.5929


def test_memory_of_the_nas_rows_is_linear_in_their_parameters():
    rows = [each for each in published_table(5).rows if each.variant in NAS]
    assert tuple(each.variant for each in rows) == NAS
    for each in rows:
        fitted = 8.01 * each.value("params_m") + 0.2
        assert each.value("memory_mb") == pytest.approx(fitted, abs=0.2)


def test_scores_are_fractions_and_as_printed():
    for number in (2, 4):
        for each in published_table(number).rows:
            assert all(cell is None or cell.startswith("0.") for cell in each.cells.values())
    assert row(2, "CLFM").cells["composite_uf1"] == "0.750"


def test_marks_and_sources_are_explained():
    marks = {mark for each in published_table(2).rows for mark in each.marks}
    assert marks == set(mark_meanings()) == {"OF", "MaM", "LF", "*"}
    assert {each.method for each in published_table(2).rows if "*" in each.marks} == {
        "AutoDeepLab (3D)",
        "AutoMER (3D)",
    }
    assert (paper()["venue"], paper()["year"]) == ("WACV", 2023)
    assert (row(2, "ICE-GAN").venue, row(2, "ICE-GAN").year) == ("Arxiv", "2020")


def test_another_table_is_a_key_error():
    with pytest.raises(KeyError):
        published_table(1)


def test_every_method_of_tables_2_and_5_is_registered_or_says_why_not():
    rows = [row for number in (2, 5) for row in published_table(number).rows]
    assert {row.method for row in rows if not row.variant} == set(published_only())
    assert all(published_only().values())


def test_a_method_has_the_same_variant_wherever_it_is_printed():
    from bench.methods.registry import variants

    named = [row for number in (2, 3, 4, 5) for row in published_table(number).rows if row.variant]
    assert all(row.variant in variants() for row in named)
    by_reference = {(row.reference, row.variant) for row in named if row.reference}
    assert ("44", "dual_inception") in by_reference
    assert ("7", "dual_inception") in by_reference  # a wrong reference: see sources.toml
