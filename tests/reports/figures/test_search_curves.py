import json

import numpy as np
import pytest
from looks import words_on

from ablations import RNAS_MER, RNAS_MER_1
from baselines import AUTODEEPLAB_3D
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


def maps(record):
    """The heat maps of α, that of β, and the axes of η."""
    shown = [axes for axes in drawn(record, "architecture").axes if axes.get_title(loc="left")]
    heat = [axes for axes in shown if axes.images]
    return heat[:-1], heat[-1], [axes for axes in shown if not axes.images and axes.lines]


def test_heat_maps_hold_every_weight_over_uniform_on_one_scale(run):
    record = run(epochs=6)
    stored = json.loads((record.folder / "search" / "architecture.json").read_text())
    table = np.array([epoch["operation_weights"] for epoch in stored["epochs"]])  # (6, 9, 14)
    edges, path, _ = maps(record)
    assert len(edges) == len(RNAS_MER.edges)
    (norm,) = {(i.norm.vmin, i.norm.vmax) for axes in (*edges, path) for i in axes.images}
    assert norm[0] * norm[1] == pytest.approx(1) and norm[1] > 1  # uniform is the middle
    for index, axes in enumerate(edges):
        np.testing.assert_allclose(axes.images[0].get_array(), 14 * table[:, index].T)
    image = edges[0].images[0]
    np.testing.assert_allclose(image.cmap(image.norm(1.0))[:3], 0.97, atol=0.01)  # white


def test_each_move_of_beta_is_a_row_over_its_own_uniform_choice(run):
    record = run(AUTODEEPLAB_3D, epochs=3)
    stored = json.loads((record.folder / "search" / "architecture.json").read_text())
    trellis = AUTODEEPLAB_3D.outer
    _, axes, _ = maps(record)
    shown = axes.images[0].get_array()
    names = [label.get_text() for label in axes.get_yticklabels()]
    for index, arrow in enumerate(trellis.arrows):
        ways = len(trellis.out_of(arrow.source))
        if ways == 1:
            continue
        ends = (trellis.factors[state.level] for state in (arrow.source, arrow.target))
        row = shown[names.index("s = {} → {}".format(*ends))]
        block = row[3 * (arrow.target.layer - 1) : 3 * arrow.target.layer]
        beta = [epoch["beta"][index] for epoch in stored["epochs"]]
        np.testing.assert_allclose(block, ways * np.array(beta))


def test_a_search_that_recorded_no_beta_has_no_map_of_it(run):
    record = run(RNAS_MER_1, epochs=3)
    file = record.folder / "search" / "architecture.json"
    stored = json.loads(file.read_text())
    for epoch in stored["epochs"]:
        del epoch["beta"]
    file.write_text(json.dumps(stored))
    edges, last, eta = maps(record)
    assert len(edges) + 1 == len(RNAS_MER_1.edges) and "β" not in last.get_title(loc="left")
    assert not eta


def test_marks_point_at_the_decoded_operations(run):
    record = run(seed=3)
    genotype = json.loads((record.folder / "search" / "genotype.json").read_text())
    edges, *_ = maps(record)
    kept = dict(zip(map(tuple, genotype["edges"]), genotype["operations"], strict=True))
    for edge, axes in zip(RNAS_MER.edges, edges, strict=True):
        rows = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "<"]
        assert rows == [RNAS_MER.operations.index(kept[e]) for e in (edge,) if e in kept]


def test_eta_of_every_node_is_drawn(run):
    record = run(epochs=6)
    stored = json.loads((record.folder / "search" / "architecture.json").read_text())
    eta = np.array([epoch["edge_weights"] for epoch in stored["epochs"]])
    *_, panels = maps(record)
    drawn_lines = [
        line.get_ydata() for axes in panels for line in axes.lines if line.get_marker() != "None"
    ]
    np.testing.assert_allclose(np.array(drawn_lines).T, eta)
