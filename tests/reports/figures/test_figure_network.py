import pytest
from looks import words_on
from matplotlib.colors import same_color

from ablations import RNAS_MER
from baselines import AUTODEEPLAB_3D, AUTOMER_3D
from bench.runs.searches import decoded, space_of
from reports.figures import run_figures
from reports.figures.network import DECODED, UNIFORM
from rnas.trellis import State


def drawn(record):
    return run_figures(record, ["network_path"]).figures["network_path"]


def transitions(axes):
    """Every transition on the canvas as ((x, y), (x, y)) -> its width."""
    return {
        tuple(map(tuple, line.round(3))): width
        for collection in axes.collections
        if hasattr(collection, "get_segments")
        for line, width in zip(
            collection.get_segments(),
            list(collection.get_linewidths()) * len(collection.get_segments()),
            strict=False,
        )
    }


def lines(axes, style):
    return [line for line in axes.lines if same_color(line.get_color(), style["color"])]


@pytest.mark.parametrize(
    ("space", "arrows", "states"),
    [(RNAS_MER, 33, 21), (AUTODEEPLAB_3D, 105, None), (AUTOMER_3D, 39, 26)],
)
def test_every_state_and_transition_is_drawn_once(run, space, arrows, states):
    record = run(space)
    (axes,) = drawn(record).axes
    assert len(transitions(axes)) == arrows == len(space.outer.arrows)
    dots = sum(
        len(c.get_offsets())
        for c in axes.collections
        if len(c.get_offsets()) and hasattr(c, "get_sizes")
    )
    assert dots == (states or len(space.outer.states)) + 1  # and the stem


def test_the_decoded_path_is_bold_and_the_uniform_one_dashed(run):
    record = run(seed=4)
    (one,) = decoded(record, space_of(record))
    figure = drawn(record)
    (axes,) = figure.axes
    bold, dashed = lines(axes, DECODED), lines(axes, UNIFORM)
    assert len(bold) == len(dashed) == 6
    thick, thin = ([line.get_linewidth() for line in found] for found in (bold, dashed))
    assert min(thick) > max(thin)
    assert not any(line.is_dashed() for line in bold)
    assert all(line.is_dashed() for line in dashed)
    ups = [round(float(line.get_ydata()[1]), 3) for line in bold]
    levels = sorted(set(ups), reverse=True)
    factors = sorted(set(one.genotype.path))
    assert [factors[levels.index(up)] for up in ups] == list(one.genotype.path)
    said = " ".join(words_on(figure))
    assert (
        f"Path {'-'.join(map(str, one.genotype.path))}, probability {one.probability:.3g}" in said
    )
    assert "uniform β: 4-8-16-16-16-16, probability 0.125" in said


def test_a_path_equal_to_the_uniform_one_is_called_no_finding(run):
    record = run(epochs=1)  # nothing learnt yet
    assert "the path of a uniform β (there" in " ".join(words_on(drawn(record)))


def test_wider_transitions_have_a_larger_beta(run):
    record = run(seed=1)
    (one,) = decoded(record, space_of(record))
    (axes,) = drawn(record).axes
    trellis = RNAS_MER.outer
    seen = [arrow for arrow in trellis.arrows if arrow.source not in trellis.unidentifiable]
    widths = [w for line, w in transitions(axes).items() if line[0][0] > 1.0 or line[1][0] > 3.0]
    betas = [one.beta[arrow] for arrow in seen]
    assert sorted(range(len(seen)), key=betas.__getitem__) == sorted(
        range(len(seen)), key=widths.__getitem__
    )


def test_beta_stands_beside_the_path_and_in_brackets_where_no_loss_sees_it(run):
    record = run(seed=2)
    (one,) = decoded(record, space_of(record))
    texts = words_on(drawn(record))
    stem, *others = RNAS_MER.outer.arrows_of(one.genotype.path)
    assert stem.source == State(0, 0) and f"({one.beta[stem]:.2f})" in texts
    assert all(f"{one.beta[arrow]:.2f}" in texts for arrow in others)


def test_controls_show_no_beta(run):
    record = run(variant="random_rnas_mer")
    said = " ".join(words_on(drawn(record)))
    assert "drawn path" in said and "not searched" in said and "near 1" not in said


def test_over_folds_the_numbers_count_the_folds(run):
    folds = [f"s{number:02d}" for number in range(1, 9)]
    record = run(scope="fold", folds=folds)
    figure = drawn(record)
    counts = [int(text) for text in words_on(figure) if text.isdigit()]
    layers = list(range(1, 7))  # the numbers under the layers
    assert sum(counts) - sum(layers) == len(folds) * len(layers)
    assert "over 8 folds" in " ".join(words_on(figure))
