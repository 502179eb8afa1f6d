import math
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.registry import variants
from reports.published import published_table
from reports.tables import NUMBERS, Cell, build_table, homes, mean_cell

RUNNABLE = ("rnas_mer", "rnas_mer_1", "rnas_mer_4b", "random_rnas_mer", "mine")
SETS = ("smic", "casme2", "samm", "composite", "manifest:own.csv")


def rows_of(table, variant):
    return [row for row in table.rows if row.variant == variant]


def texts(cells):
    return {column: cell.text for column, cell in cells.items() if cell}


def table(number, *records):
    return build_table(number, records, variants())


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
    assert sources["NMER"] == "published only"
    assert sources["STSTNet"] == "not measured"
    assert sources["RNAS-MER"] == "not measured"


def test_single_set_runs_fill_their_columns_and_composite_runs_theirs(record):
    built = table(4, record(uar=0.6), record(dataset="composite", uar=0.8))
    (row,) = rows_of(built, "rnas_mer")
    assert texts(row.measured) == {
        "composite_acc": "0.2000",
        "composite_uar": "0.8000",
        "composite_uf1": "0.4000",
        "smic_uar": "0.6000",
        "smic_uf1": "0.3000",
    }
    assert row.published["smic_uar"].value == 0.7620
    assert row.marks == ()
    assert len(row.runs) == 2


def test_seeds_become_mean_and_sample_deviation(record):
    built = table(4, *(record(seed=seed, uar=uar) for seed, uar in enumerate((0.4, 0.5, 0.9))))
    (row,) = rows_of(built, "rnas_mer")
    cell = row.measured["smic_uar"]
    assert cell.value == pytest.approx(0.6)
    assert cell.sd == pytest.approx(math.sqrt(0.07))
    assert cell.text == "0.6000 ± 0.2646"
    assert row.marks == ("3 seeds",)
    assert "mean ± sample standard deviation over seeds" in built.notes


def test_cells_of_different_seed_counts_say_so(record):
    built = table(4, record(seed=0), record(seed=1), record(dataset="samm"))
    (row,) = rows_of(built, "rnas_mer")
    assert row.marks == ("seeds: SMIC 2, SAMM 1",)


def test_every_condition_is_a_mark(record, metrics):
    built = table(
        4,
        record(
            surrogate=True,
            preset="smoke",
            metrics=metrics(scope="all", selection="oracle"),
            total=4,
            done=3,
        ),
    )
    (row,) = rows_of(built, "rnas_mer")
    assert row.marks == (
        "surrogate",
        "smoke: nothing converged",
        "leaky: search_scope=all, selection=oracle",
        "incomplete 3/4 folds (SMIC)",
        "4 of 16 subjects (SMIC)",
    )
    assert "SMIC surrogate (preset smoke)" in built.caption
    assert "LOSO, pooled over folds" in built.caption


def test_a_variants_own_marks_stand_in_its_rows(record):
    known = dict(variants())
    known["rnas_mer"] = replace(known["rnas_mer"], marks=("reconstruction",))
    built = build_table(4, [record()], known)
    (row,) = rows_of(built, "rnas_mer")
    assert "reconstruction" in row.marks
    assert any(note.startswith("reconstruction: ") for note in built.notes)


def test_surrogate_and_real_runs_have_rows_of_their_own(record):
    built = table(4, record(uar=0.2), record(surrogate=True, uar=0.9))
    real, surrogate = rows_of(built, "rnas_mer")
    assert (real.measured["smic_uar"].value, surrogate.measured["smic_uar"].value) == (0.2, 0.9)
    assert "surrogate" not in real.marks and "surrogate" in surrogate.marks
    assert real.published == surrogate.published


def test_a_run_with_folds_missing_is_no_best_beside_whole_ones(record):
    built = table(
        4,
        record("rnas_mer", uar=0.9, done=3),
        record("rnas_mer_1", uar=0.5),
        record("rnas_mer_2", uar=0.4),
    )
    best = {built.rows[i].variant for i, side, _ in built.best if side == "measured"}
    assert best == {"rnas_mer_1"}


def test_slices_are_rows_of_their_own(record, metrics):
    slices = {
        "smic": metrics(0.7),
        "casme2": metrics(None, clips=0, absent=["negative", "positive", "surprise"]),
        "samm": metrics(0.4, absent=["surprise"]),
    }
    built = table(4, record(dataset="composite", metrics=metrics(0.8, slices=slices)))
    run, sliced = rows_of(built, "rnas_mer")
    assert texts(run.measured).keys() == {"composite_acc", "composite_uar", "composite_uf1"}
    assert texts(sliced.measured) == {
        "smic_uar": "0.7000",
        "smic_uf1": "0.3500",
        "samm_uar": "0.4000",
        "samm_uf1": "0.2000",
    }
    assert sliced.marks == ("slice", "no surprise in SAMM")
    assert not any(sliced.published.values())
    assert any(note.startswith("slice: ") for note in built.notes)


def test_a_slice_that_cannot_be_scored_names_what_is_absent(record, metrics):
    slices = {"samm": metrics(None, absent=["positive", "surprise"])}
    built = table(4, record(dataset="composite", metrics=metrics(slices=slices)))
    cell = rows_of(built, "rnas_mer")[1].measured["samm_uar"]
    assert cell == Cell(None, "no positive, surprise")


def test_a_class_absent_from_a_whole_run_is_marked(record, metrics):
    built = table(4, record(metrics=metrics(absent=["surprise"])))
    assert rows_of(built, "rnas_mer")[0].marks == ("no surprise in SMIC",)


def test_what_the_paper_does_not_have_comes_after_its_rows(record):
    names = ("random_rnas_mer", "rnas_mer_4b", "rnas_mer_1")
    built = table(4, *(record(variant=name) for name in names))
    assert [row.variant for row in built.rows[-2:]] == ["rnas_mer_4b", "random_rnas_mer"]
    ours, control = built.rows[-2:]
    assert ours.marks == ("ours, not in the paper",)
    assert control.marks == ("random control",)
    assert not any(ours.published.values()) and not any(control.published.values())


@pytest.mark.parametrize(
    ("variant", "numbers"),
    [
        ("rnas_mer", (2, 4, 5)),
        ("random_rnas_mer", (2, 4, 5)),
        ("rnas_mer_1", (4, 5)),
        ("random_rnas_mer_1", (4, 5)),
        ("rnas_mer_4b", (4, 5)),
        ("random_rnas_mer_4b", (4, 5)),
        ("autodeeplab_3d", (2, 5)),
        ("somebody_elses", (2, 5)),
    ],
)
def test_each_variant_has_its_tables(variant, numbers):
    assert homes(variant, variants()) == numbers


def test_differing_configurations_are_named_in_every_row(record):
    runs = (record(), record(variant="rnas_mer_1", config_hash="bbbb2222"))
    built = table(4, *runs)
    assert rows_of(built, "rnas_mer")[0].marks == ("small-aaaa1111",)
    assert rows_of(built, "rnas_mer_1")[0].marks == ("small-bbbb2222",)
    assert "small-aaaa1111" in built.notes[0] and "small-bbbb2222" in built.notes[0]
    assert rows_of(table(4, runs[0]), "rnas_mer")[0].marks == ()


def test_runs_of_one_variant_in_two_configurations_do_not_share_a_row(record):
    built = table(4, record(), record(dataset="samm", config_hash="bbbb2222"))
    first, second = rows_of(built, "rnas_mer")
    assert {*texts(first.measured)} == {"smic_uar", "smic_uf1"}
    assert {*texts(second.measured)} == {"samm_uar", "samm_uf1"}


def test_other_data_sets_are_noted(record):
    built = table(2, record(dataset="manifest:own.csv"))
    assert any("manifest:own.csv" in note for note in built.notes)
    assert "no finished run" in built.caption


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


def test_table_5_takes_its_figures_from_the_profile(record):
    profile = {"params": 2_000_000, "checkpoint_mb": 16.0}
    small = {"params": 1_683, "checkpoint_mb": 0.013464}
    built = table(
        5,
        record(profile=profile, metrics=None),
        record(dataset="samm", profile=small),
        record(dataset="casme2"),
    )
    on_smic, on_samm = rows_of(built, "rnas_mer")
    assert texts(on_smic.measured) == {"params_m": "2.00", "memory_mb": "16.00"}
    assert texts(on_samm.measured) == {"params_m": "0.0017", "memory_mb": "0.0135"}
    assert on_smic.marks == ("on SMIC",)
    assert on_smic.published["params_m"].text == "1.91"


def test_an_unknown_table_is_a_key_error(record):
    with pytest.raises(KeyError):
        table(1, record())


@given(st.lists(st.one_of(st.none(), st.just(math.nan), st.floats(0, 1)), max_size=6))
def test_mean_cell_is_mean_and_sample_deviation_of_what_is_there(values):
    there = [value for value in values if value is not None and not math.isnan(value)]
    cell = mean_cell(values, "{:.4f}".format)
    if not there:
        assert cell is None
        return
    assert cell.value == pytest.approx(np.mean(there))
    assert cell.seeds == len(there)
    if len(there) > 1:
        assert cell.sd == pytest.approx(np.std(there, ddof=1), abs=1e-12)
    else:
        assert cell.sd is None and cell.text == f"{there[0]:.4f}"


keys = st.tuples(
    st.sampled_from(RUNNABLE),
    st.sampled_from(SETS),
    st.booleans(),
    st.sampled_from(("smoke", "small")),
    st.sampled_from(("aaaa1111", "bbbb2222")),
    st.integers(0, 2),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(chosen=st.lists(keys, unique=True, max_size=12), number=st.sampled_from((2, 4, 5)))
def test_laws_of_every_table(record, chosen, number):
    """Rows never mix conditions, columns never mix data sets, published never moves, order is
    nothing, and every variant that belongs here is shown once per data set and kind."""
    runs = [
        record(
            variant=variant,
            dataset=dataset,
            surrogate=surrogate,
            preset=preset,
            config_hash=digest,
            seed=seed,
            profile={"params": 1000, "checkpoint_mb": 1.0},
        )
        for variant, dataset, surrogate, preset, digest, seed in chosen
    ]
    by_folder = {str(run.folder): run for run in runs}
    built = table(number, *runs)
    assert table(number, *reversed(runs)).rows == built.rows
    empty = {row.method: row for row in table(number).rows}
    for row in built.rows:
        used = [by_folder[folder] for folder in row.runs]
        assert len({(r.variant, r.surrogate, r.preset, r.config_hash) for r in used}) <= 1
        assert all(r.surrogate == ("surrogate" in row.marks) for r in used)
        if row.source == "measured" and number != 5:
            filled = {column.split("_")[0] for column, cell in row.measured.items() if cell}
            assert filled == {r.dataset for r in used}
        if row.method in empty:
            assert row.published == empty[row.method].published
        else:
            assert not any(row.published.values())
    shown = [by_folder[f] for f in chain.from_iterable(row.runs for row in built.rows)]
    expected = {
        (r.variant, r.dataset, r.surrogate)
        for r in runs
        if number in homes(r.variant, variants())
        and (number == 5 or not r.dataset.startswith("manifest:"))
    }
    assert {(r.variant, r.dataset, r.surrogate) for r in shown} == expected
