import json

import numpy as np
import pytest
from looks import words_on

from reports.drawing.export import rendered
from reports.figures import run_figures


def drawn(record, name):
    return run_figures(record, [name]).figures[name]


def change(path, **keys):
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


@pytest.fixture
def reread():
    from bench.runs.folder import RunFolder
    from bench.runs.record import read_run

    return lambda record: read_run(RunFolder(record.folder))


def test_counts_and_row_shares(run, reread):
    record = run()
    counts = [[6, 1, 1], [0, 5, 0], [3, 0, 1]]
    change(record.folder / "metrics.json", confusion=counts, uar=0.6667, uf1=0.61, acc=0.7059)
    figure = drawn(reread(record), "confusion")
    (axes,) = figure.axes
    shown = [text.get_text() for text in axes.texts]
    assert [int(text) for text in shown[::2]] == [value for row in counts for value in row]
    assert shown[1::2] == ["75%", "12%", "12%", "0%", "100%", "0%", "75%", "0%", "25%"]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["negative", "positive", "surprise"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert "UAR 0.6667, UF1 0.6100, Acc 0.7059; 17 clips, pooled over folds" in words_on(figure)


def test_darker_cells_hold_more_of_their_row(run):
    (image,) = drawn(run(), "confusion").axes[0].images
    shades = image.cmap(image.norm(np.linspace(0, 1, 20)))[:, :3] @ (0.299, 0.587, 0.114)
    assert (np.diff(shades) < 0).all()  # in grey too


def test_a_class_without_a_clip_is_said(run, reread):
    record = run()
    change(record.folder / "metrics.json", confusion=[[2, 0, 0], [0, 0, 0], [0, 0, 3]])
    shown = [text.get_text() for text in drawn(reread(record), "confusion").axes[0].texts]
    assert shown.count("no clip") == 3


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_name_with_dollars_is_no_formula(run, reread, kind):
    record = run()
    change(record.folder / "metrics.json", classes=["a $\\frac$ b", "$x_1$", "c"])
    assert rendered(drawn(reread(record), "confusion"), kind) != b""


def test_slices_of_a_composite_stand_beside_it(run, reread):
    record = run(dataset="composite", surrogate=False)
    whole = json.loads((record.folder / "metrics.json").read_text())
    slices = {name: {**whole, "slices": {}} for name in ("smic", "casme2")} | {"samm": {"clips": 0}}
    slices["samm"] |= {"uar": None, "uf1": None, "acc": None}
    change(record.folder / "metrics.json", slices=slices)
    figure = drawn(reread(record), "confusion")
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles == ["all clips", "slice: SMIC", "slice: CASME II"]


def write_fold(record, fold, clips):
    record.files.fold(fold).write_text(json.dumps({"subject": fold, "clips": clips}))


def test_subjects_are_sorted_by_their_share_and_counted(run):
    record = run(folds=("a", "b", "c"))
    right = {"a": (1, 4), "b": (3, 3), "c": (1, 2)}
    for fold, (hits, clips) in right.items():
        clip = {"dataset": "smic", "clip": "c", "true": 1}
        predicted = [{**clip, "pred": int(k < hits)} for k in range(clips)]
        write_fold(record, fold, predicted)
    figure = drawn(record, "subjects")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["b", "c", "a"]
    assert [text.get_text() for text in axes.texts] == ["3 of 3", "1 of 2", "1 of 4"]
    assert [bar.get_width() for bar in axes.containers[0]] == [1.0, 0.5, 0.25]
    assert "5 of 9 clips right (55.6%), 3 subjects" in words_on(figure)


def test_data_sets_of_a_composite_differ_without_colour(run):
    record = run(dataset="composite", folds=("a", "b"))
    for fold, dataset in (("a", "smic"), ("b", "samm")):
        write_fold(record, fold, [{"dataset": dataset, "clip": "c", "true": 0, "pred": 0}])
    (axes,) = drawn(record, "subjects").axes
    hatches = {bars.get_label(): bars[0].get_hatch() for bars in axes.containers[::2]}
    assert set(hatches) == {"SMIC", "SAMM"} and len(set(hatches.values())) == 2
