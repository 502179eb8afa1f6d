import csv
import io
import json
import math
from dataclasses import replace

import pytest
from built_tables import rows_of, table, texts

from bench.runs.predictions import run_predictions
from bench.scoring.report import read_scored, score_report
from reports.tables.lines import lines
from reports.tables.render import render
from reports.tables.table import Cell

PEOPLE = tuple(f"s{number:02d}" for number in range(1, 9))


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


def test_intervals_are_those_of_bench_score(run):
    record = run(folds=PEOPLE, clips=12)
    (row,) = rows_of(table(4, record), "rnas_mer")
    found = score_report(read_scored(record.folder))["intervals"]
    assert row.intervals == {
        f"smic_{name}": (found[name]["low"], found[name]["high"]) for name in ("uar", "uf1")
    }


def test_intervals_stand_between_values_and_differences(run):
    built = table(4, run(folds=PEOPLE, clips=12))
    (row,) = rows_of(built, "rnas_mer")
    low, high = row.intervals["smic_uar"]
    place = [line.source for line in lines(built)].index("95 %")
    measured, interval, difference = lines(built)[place - 1 : place + 2]
    assert (measured.source, difference.source) == ("measured", "difference")
    assert interval.texts == ["–"] * 3 + [
        f"{low:.4f}–{high:.4f}",
        "{:.4f}–{:.4f}".format(*row.intervals["smic_uf1"]),
        *["–"] * 4,
    ]
    assert "95 %: bootstrap interval over subjects, of the mean over seeds" in built.notes
    assert rf"{{\tiny {low:.4f}\textendash{{}}{high:.4f}}}" in render([built], "latex")
    assert 'data-source="95 %" data-follows' in render([built], "html")
    (told,) = (r for r in json.loads(render([built], "json"))["rows"] if r["interval"])
    assert told["interval"]["smic_uar"] == {"low": low, "high": high}
    sheet = csv.DictReader(io.StringIO(render([built], "csv")))
    (cells,) = (each for each in sheet if each["source"] == "measured")
    assert (float(cells["smic_uar_low"]), float(cells["smic_uar_high"])) == (low, high)


def test_no_interval_without_clips_or_of_other_people(record, run):
    built = table(4, record())
    assert not any(row.intervals for row in built.rows)
    assert not any(note.startswith("95 %") for note in built.notes)
    seeds = [run(folds=PEOPLE[seed : seed + 7], seed=seed) for seed in (0, 1)]
    assert rows_of(table(4, *seeds), "rnas_mer")[0].intervals == {}


def test_a_slice_of_few_people_has_no_interval(run):
    record = run(dataset="composite", folds=PEOPLE, clips=12)
    for place, person in enumerate(PEOPLE):
        file = record.files.fold(person)
        fold = json.loads(file.read_text())
        for clip in fold["clips"]:
            clip["dataset"] = "smic" if place < 6 else "samm"
        file.write_text(json.dumps(fold))
    answers = run_predictions(record.files)
    record = replace(record, metrics={**record.metrics, **answers.metrics()})
    whole, sliced = rows_of(table(4, record), "rnas_mer")
    assert {"smic_uar", "samm_uar"} <= set(texts(sliced.measured))
    assert set(whole.intervals) == {f"composite_{name}" for name in ("acc", "uar", "uf1")}
    assert set(sliced.intervals) == {"smic_uar", "smic_uf1"}
