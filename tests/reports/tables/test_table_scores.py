import math

import pytest
from built_tables import rows_of, table, texts

from reports.tables.table import Cell


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


def test_surrogate_and_real_runs_have_rows_of_their_own(record):
    built = table(4, record(uar=0.2), record(surrogate=True, uar=0.9))
    real, surrogate = rows_of(built, "rnas_mer")
    assert (real.measured["smic_uar"].value, surrogate.measured["smic_uar"].value) == (0.2, 0.9)
    assert "surrogate" not in real.marks and "surrogate" in surrogate.marks
    assert real.published == surrogate.published


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


def test_runs_of_one_variant_in_two_configurations_do_not_share_a_row(record):
    built = table(4, record(), record(dataset="samm", config_hash="bbbb2222"))
    first, second = rows_of(built, "rnas_mer")
    assert {*texts(first.measured)} == {"smic_uar", "smic_uf1"}
    assert {*texts(second.measured)} == {"samm_uar", "samm_uf1"}


def test_other_data_sets_are_noted(record):
    built = table(2, record(dataset="manifest:own.csv"))
    assert any("manifest:own.csv" in note for note in built.notes)
    assert "no finished run" in built.caption
