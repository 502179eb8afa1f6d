from dataclasses import replace
from itertools import combinations

import pytest
from looks import cut_off, intersect, texts, words_on
from matplotlib.text import Annotation

from ablations import RNAS_MER, RNAS_MER_1, RNAS_MER_2, RNAS_MER_3, RNAS_MER_4, RNAS_MER_4B
from baselines import AUTODEEPLAB_3D, AUTOMER_3D
from bench.methods.registry import variants
from reports.figures import tradeoff
from reports.figures.figure1_points import MEASURED, PUBLISHED, RANDOM, published_points

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


def test_published_points_are_the_cells_of_tables_2_4_and_5():
    points = {point.label: point for point in published_points()}
    assert set(points) == {
        "ICE-GAN",
        "DualInc",
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
    first, second, *_ = figure.axes
    assert (len(labels(first)), len(labels(second))) == (20, 10)
    for axes in (first, second):
        names, window = labels(axes), axes.get_window_extent()
        for a, b in combinations(names, 2):
            assert not intersect(boxes[a], boxes[b]), (a.get_text(), b.get_text())
        for text in names:
            for other in names:
                spot = axes.transData.transform(other.xy)
                assert not boxes[text].contains(*spot), (text.get_text(), other.get_text())
                assert window.contains(*spot)


def test_published_points_stand_alone_without_runs():
    figure = tradeoff([], variants())
    first, second, *_ = figure.axes
    assert len(labels(first)) == len(published_points()) and labels(second) == []
    said = " ".join(words_on(figure))
    assert "no run with scores and a profile yet" in said and "the paper prints no FLOPs" in said


def test_seeds_are_averaged_with_error_bars(run):
    records = [run(seed=seed, uar=0.5 + 0.1 * seed, size=2.0) for seed in (0, 1)]
    axes = tradeoff(records, variants()).axes[0]
    (label,) = (text for text in labels(axes) if text.get_text() == "rnas_mer")
    assert label.xy == pytest.approx((2.0, 0.55))
    alone = tradeoff(records[:1], variants()).axes[0]
    assert len(axes.collections) > len(alone.collections)  # the bars
    assert "2 seeds each" in " ".join(words_on(axes.figure))


def test_areas_are_proportional_to_memory(run):
    records = [run(RNAS_MER_1, size=1.0), run(RNAS_MER_2, size=3.0)]
    axes = tradeoff(records, variants()).axes[1]
    areas = sorted(float(c.get_sizes()[0]) for c in axes.collections if c.get_sizes()[0] > 4)
    assert areas[1] == pytest.approx(3 * areas[0])


def test_the_data_set_with_most_variants_is_shown_unless_another_is_asked_for(run):
    surrogate = [run(RNAS_MER), run(RNAS_MER_1)]
    real = [run(RNAS_MER_2, surrogate=False, preset="small")]
    records = [*surrogate, *real]

    def shown(dataset=None):
        figure = tradeoff(records, variants(), dataset)
        return {t.get_text() for t in labels(figure.axes[1])}, " ".join(words_on(figure))

    names, said = shown()
    assert names == {"rnas_mer", "rnas_mer_1"}
    assert "Also measured, not shown: smic (choose with --dataset)" in said
    common = "surrogate; smoke: nothing converged; one search seed; leaky: search_scope=all"
    assert f"All measured: {common}" in said
    names, said = shown("smic-surrogate")
    assert names == {"rnas_mer", "rnas_mer_1"} and "Also measured" not in said


def test_the_latest_configuration_stands_for_a_variant(run):
    run(uar=0.2, digest="aaaa1111")
    records = [run(uar=0.2, digest="aaaa1111"), run(uar=0.8, digest="bbbb2222", seed=1)]
    axes = tradeoff(records, variants()).axes[1]
    (label,) = labels(axes)
    assert label.xy[1] == 0.8
    assert "bbbb2222" in " ".join(words_on(axes.figure))


def test_reconstructions_and_controls_are_named(run):
    records = [run(AUTOMER_3D), run(RNAS_MER, variant="random_rnas_mer")]
    figure = tradeoff(records, variants())
    assert "automer_3d (reconstruction)" in {t.get_text() for t in labels(figure.axes[1])}
    said = words_on(figure)
    assert RANDOM in said and MEASURED in said


@pytest.mark.parametrize("sizes", [(2.0, 2.1), (0.3, 2.0), (0.02, 11.0)])
def test_both_axes_bear_numbers_however_narrow(run, sizes):
    records = [run(space, size=size) for space, size in zip(SPACES[:2], sizes, strict=True)]
    figure = tradeoff(records, variants())
    figure.draw_without_rendering()
    for axes in figure.axes[:2]:
        low, high = axes.get_xlim()
        assert 3 <= sum(low <= tick <= high for tick in axes.get_xticks()) <= 12


def test_a_note_names_networks_of_dead_weights(run):
    whole, dead = run(RNAS_MER), run(RNAS_MER_1)
    dead = replace(dead, profile=dead.profile | {"live_share": 0.4})
    assert "dead weights: rnas_mer_1" in " ".join(words_on(tradeoff([whole, dead], variants())))
