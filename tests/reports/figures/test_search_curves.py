import json

import numpy as np
import pytest
from looks import words_on
from matplotlib.collections import PathCollection

from ablations import RNAS_MER, RNAS_MER_1
from reports.figures import run_figures


def drawn(record, name):
    return run_figures(record, [name]).figures[name]


def curves(axes):
    """Label -> values of the thick lines."""
    found = {line.get_label(): line.get_ydata() for line in axes.lines}
    return {label: values for label, values in found.items() if not label.startswith("_")}


def marked(axes):
    """The lines of data; those of uniform values have no markers."""
    return [line for line in axes.lines if line.get_marker() != "None"]


def test_curves_are_the_columns_of_the_history(run):
    record = run(epochs=10)
    lines = (record.folder / "search" / "history.csv").read_text().splitlines()
    names, *rows = (line.split(",") for line in lines)
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    loss, entropy, mass = drawn(record, "search_curves").axes
    for axes, label, column, largest in (
        (loss, "w, Train A", "weight_loss", 1),
        (loss, "α, η, β, Train B", "architecture_loss", 1),
        (entropy, "α", "operation_entropy", np.log(14)),
        (entropy, "η", "edge_entropy", np.mean(np.log([2, 3, 4]))),
        (entropy, "β", "path_entropy", np.log(2)),
        (mass, "none", "none_mass", 1),
        (mass, "skip", "skip_mass", 1),
    ):
        expected = np.array(columns[column], float) / largest
        assert curves(axes)[label] == pytest.approx(expected)


def test_an_untrained_search_has_entropy_one_and_looks_flat(run):
    record = run(epochs=1)
    _, entropy, mass = drawn(record, "search_curves").axes
    for values in curves(entropy).values():
        assert values == pytest.approx([1.0])
    assert np.diff(entropy.get_ylim()) >= 0.01 and np.diff(mass.get_ylim()) >= 0.2 / 14


def test_a_space_without_edge_normalisation_has_no_eta(run):
    record = run(RNAS_MER_1)
    assert set(curves(drawn(record, "search_curves").axes[1])) == {"α", "β"}
    said = " ".join(words_on(drawn(record, "architecture")))
    assert "no η" in said and "η into node" not in said


@pytest.mark.parametrize("epochs", [1, 5, 8, 15])
def test_the_shaded_epochs_are_those_that_the_search_froze(run, epochs):
    from rnas.search import SearchSettings

    settings = SearchSettings(epochs=epochs, warmup=0.3)
    frozen = [e + 1 for e in range(epochs) if not settings.learns_architecture(e)]
    for axes in drawn(run(epochs=epochs), "search_curves").axes:
        shaded = [patch.get_extents() for patch in axes.patches]
        assert len(shaded) == bool(frozen)
        if frozen:
            left, right = axes.transData.inverted().transform(shaded[0])[:, 0]
            assert [e for e in range(1, epochs + 1) if left < e < right] == frozen


def test_over_folds_the_mean_is_thick_and_every_search_is_there(run):
    folds = ("s01", "s02", "s03")
    record = run(scope="fold", folds=folds)
    axes = drawn(record, "search_curves").axes[0]
    thin = [line for line in axes.lines if line.get_label().startswith("_")]
    assert len(thin) == 2 * len(folds)
    by_colour = {line.get_color(): [] for line in thin}
    for line in thin:
        by_colour[line.get_color()].append(line.get_ydata())
    thick = [line for line in axes.lines if line not in thin]
    for line in thick:
        assert line.get_ydata() == pytest.approx(np.mean(by_colour[line.get_color()], axis=0))


def test_lines_differ_without_colour(run):
    for axes in drawn(run(), "search_curves").axes:
        kinds = [(line.get_marker(), str(line.get_linestyle())) for line in marked(axes)]
        assert len(kinds) == len(set(kinds)) > 1


def test_heat_maps_hold_every_weight_on_one_scale(run):
    record = run(epochs=6)
    stored = json.loads((record.folder / "search" / "architecture.json").read_text())
    table = np.array([epoch["operation_weights"] for epoch in stored["epochs"]])  # (6, 9, 14)
    images = drawn(record, "architecture").axes[0].images
    *maps, bar = images
    assert len(maps) == len(RNAS_MER.edges)
    assert len({(image.norm.vmin, image.norm.vmax) for image in images}) == 1
    for index, image in enumerate(maps):
        np.testing.assert_allclose(image.get_array(), table[:, index].T)
    assert (bar.norm.vmin, bar.norm.vmax) == pytest.approx((table.min(), table.max()))


def test_marks_point_at_the_decoded_operations(run):
    record = run(seed=3)
    genotype = json.loads((record.folder / "search" / "genotype.json").read_text())
    axes = drawn(record, "architecture").axes[0]
    (marks,) = (c for c in axes.collections if isinstance(c, PathCollection))
    assert len(marks.get_offsets()) == len(genotype["edges"])
    rows = {
        name: {t.get_position()[1] for t in axes.texts if t.get_text() == name}
        for name in RNAS_MER.operations
    }
    for (_, up), name in zip(marks.get_offsets(), genotype["operations"], strict=True):
        assert min(abs(up - row) for row in rows[name]) < 1e-9


def test_eta_of_every_node_is_drawn(run):
    record = run(epochs=6)
    stored = json.loads((record.folder / "search" / "architecture.json").read_text())
    eta = np.array([epoch["edge_weights"] for epoch in stored["epochs"]])
    panels = drawn(record, "architecture").axes[1:]
    drawn_lines = [
        line.get_ydata() for axes in panels for line in axes.lines if line.get_marker() != "None"
    ]
    np.testing.assert_allclose(np.array(drawn_lines).T, eta)
