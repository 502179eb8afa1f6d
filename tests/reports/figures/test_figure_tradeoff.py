from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from looks import cut_off, intersect, overlapping, texts, words_on
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.text import Annotation

from ablations import RNAS_MER, RNAS_MER_1, RNAS_MER_2, RNAS_MER_3, RNAS_MER_4, RNAS_MER_4B
from baselines import AUTODEEPLAB_3D, AUTOMER_3D
from bench.methods.registry import variants
from bench.runs.predictions import run_predictions
from bench.scoring.statistics import bootstrap
from reports.figures import tradeoff
from reports.figures.figure1_points import MEASURED, PUBLISHED, RANDOM, published_points
from reports.figures.figure1_points import panels as panels_of

SPACES = (
    RNAS_MER,
    RNAS_MER_1,
    RNAS_MER_2,
    RNAS_MER_3,
    RNAS_MER_4,
    RNAS_MER_4B,
    AUTODEEPLAB_3D,
    AUTOMER_3D,
)
SIZES = (2.2, 0.30, 0.26, 2.1, 2.3, 2.25, 7.5, 10.5)
UARS = (0.62, 0.61, 0.605, 0.66, 0.60, 0.63, 0.62, 0.57)


@pytest.fixture
def all_measured(run):
    """Every search with two seeds, and two random controls."""
    records = []
    for seed in (0, 1):
        for space, size, uar in zip(SPACES, SIZES, UARS, strict=True):
            settings = {"seed": seed, "size": size * (1 + seed / 9), "uar": uar + seed / 20}
            records.append(run(space, preset="small", **settings))
        for space in (RNAS_MER, RNAS_MER_1):
            name = f"random_{space.name}"
            records.append(run(space, variant=name, preset="small", seed=seed, uar=0.5, size=1.0))
    return records


def labels(axes):
    return [text for text in axes.texts if isinstance(text, Annotation) and text.get_text()]


def panels(figure):
    return [axes for axes in figure.axes if axes.get_xlabel()]


def test_published_points_are_the_cells_of_tables_2_4_and_5():
    points = {point.label: point for point in published_points("casme2")}
    assert set(points) == {
        "ICE-GAN",
        "Dual_Inc",
        "FR",
        "AutoDeepLab (3D)",
        "AutoMER (3D)",
        "RNAS-MER_1",
        "RNAS-MER_2",
        "RNAS-MER_3",
        "RNAS-MER_4",
        "RNAS-MER",
    }
    ours = points["RNAS-MER"]
    assert (ours.uar, ours.params_m, ours.memory_mb) == (0.9078, 1.91, 15.60)
    assert (points["FR"].uar, points["FR"].memory_mb) == (0.8873, None)
    assert points["RNAS-MER_2"].uar == 0.6202  # Table 4
    assert all(point.gflops is None and point.kind == PUBLISHED for point in points.values())


def test_no_label_hides_another_or_a_marker(all_measured):
    figure = tradeoff(all_measured, variants())
    boxes = texts(figure)
    assert cut_off(figure, boxes) == []
    assert overlapping({text: boxes[text] for text in boxes if text not in annotated(figure)}) == []
    assert [len(labels(axes)) for axes in panels(figure)] == [10, 10, 10]
    for axes in panels(figure):
        names, window = labels(axes), axes.get_window_extent()
        for a, b in combinations(names, 2):
            assert not intersect(boxes[a], boxes[b]), (a.get_text(), b.get_text())
        for text in names:
            for other in names:
                spot = axes.transData.transform(other.xy)
                assert not boxes[text].contains(*spot), (text.get_text(), other.get_text())
                assert window.contains(*spot)


def annotated(figure):
    return {text for axes in panels(figure) for text in labels(axes)}


def test_published_points_stand_alone_without_runs():
    figure = tradeoff([], variants())
    (alone,) = panels(figure)
    assert len(labels(alone)) == len(published_points("casme2"))
    said = " ".join(words_on(figure))
    assert "no run with scores and a profile yet" in said and "The paper prints no FLOPs" in said


def test_seeds_are_averaged_and_each_is_a_dot(run):
    records = [run(seed=seed, uar=0.5 + 0.1 * seed, size=2.0) for seed in (0, 1)]
    axes = panels(tradeoff(records, variants()))[1]
    (label,) = labels(axes)
    assert (label.get_text(), label.xy) == ("RNAS-MER", pytest.approx((2.0, 0.55)))
    dots = [c.get_offsets() for c in axes.collections if len(c.get_offsets()) == 2]
    assert [sorted(uar for _, uar in each) for each in dots] == [pytest.approx([0.5, 0.6])]
    assert "2 seeds each" in " ".join(words_on(axes.figure))


def test_bars_are_the_intervals_of_bench_compare(run):
    folds = tuple(f"s{number:02d}" for number in range(8))
    record = run(folds=folds, clips=12)
    (point,) = panels_of([record], variants(), None)[0][1].points
    matrices = run_predictions(record.files).matrices
    whole = bootstrap(matrices, generator=np.random.default_rng(0))
    assert point.interval == pytest.approx((whole.low, whole.high), abs=0.05)
    assert point.interval[0] < point.uar < point.interval[1]
    (bar,) = (
        c
        for c in panels(tradeoff([record], variants()))[1].collections
        if c.get_paths() and isinstance(c, LineCollection)
    )
    assert tuple(bar.get_segments()[0][:, 1]) == point.interval


def test_areas_are_proportional_to_memory_but_for_the_least(run):
    sizes = {RNAS_MER_1: 0.1, RNAS_MER_2: 0.2, RNAS_MER_3: 2.0, RNAS_MER_4: 6.0}
    records = [run(space, size=size) for space, size in sizes.items()]
    axes = panels(tradeoff(records, variants()))[1]
    markers = (each for each in axes.collections if isinstance(each, PathCollection))
    tiny, small, middle, large = sorted(float(each.get_sizes()[0]) for each in markers)
    assert tiny == small >= 36  # as wide as a letter
    assert large == pytest.approx(3 * middle)


def test_published_and_measured_share_a_panel_where_the_clips_are_the_same(run):
    real = run(surrogate=False, dataset="casme2", preset="paper", uar=0.7)
    names = [[t.get_text() for t in labels(axes)] for axes in panels(tradeoff([real], variants()))]
    assert [each.count("RNAS-MER") for each in names] == [2, 1]
    smic = panels(tradeoff([run(surrogate=False, preset="small")], variants()))
    assert [sum(t.get_text() == "RNAS-MER" for t in labels(axes)) for axes in smic] == [1, 2, 1]
    assert smic[1].get_ylim() != smic[0].get_ylim()


def test_each_data_set_has_a_panel_unless_one_is_asked_for(run):
    surrogate = [run(RNAS_MER), run(RNAS_MER_1)]
    records = [*surrogate, run(RNAS_MER_2, surrogate=False, dataset="samm", preset="small")]

    def shown(dataset=None):
        figure = tradeoff(records, variants(), dataset)
        return [len(labels(axes)) for axes in panels(figure)[1:]], " ".join(words_on(figure))

    counts, said = shown()
    published = len(published_points("samm"))
    assert counts == [2, 2, published + 1, 1]
    common = "surrogate; smoke: nothing converged; one search seed; leaky: search_scope=all"
    assert f"All measured: {common}" in said
    counts, said = shown("smic-surrogate")
    assert counts == [2, 2] and "SAMM" not in said


def test_the_latest_configuration_stands_for_a_variant(run):
    run(uar=0.2, digest="aaaa1111")
    records = [run(uar=0.2, digest="aaaa1111"), run(uar=0.8, digest="bbbb2222", seed=1)]
    axes = panels(tradeoff(records, variants()))[2]
    (label,) = labels(axes)
    assert label.xy[1] == 0.8
    assert "bbbb2222" in " ".join(words_on(axes.figure))


def test_reconstructions_and_controls_are_named(run):
    records = [run(AUTOMER_3D), run(RNAS_MER, variant="random_rnas_mer")]
    figure = tradeoff(records, variants())
    names = {t.get_text() for t in labels(panels(figure)[1])}
    assert names == {"AutoMER (3D), reconstruction", "random RNAS-MER"}
    said = words_on(figure)
    assert RANDOM in said and MEASURED in said


@pytest.mark.parametrize("sizes", [(2.0, 2.1), (0.3, 2.0), (0.02, 11.0)])
def test_both_axes_bear_numbers_however_narrow(run, sizes):
    records = [run(space, size=size) for space, size in zip(SPACES[:2], sizes, strict=True)]
    figure = tradeoff(records, variants())
    figure.draw_without_rendering()
    for axes in panels(figure):
        low, high = axes.get_xlim()
        assert 3 <= sum(low <= tick <= high for tick in axes.get_xticks()) <= 12


def test_a_note_names_networks_of_dead_weights(run):
    whole, dead = run(RNAS_MER), run(RNAS_MER_1)
    dead = replace(dead, profile=dead.profile | {"live_share": 0.4})
    assert "RNAS-MER_1: dead weights." in " ".join(words_on(tradeoff([whole, dead], variants())))
