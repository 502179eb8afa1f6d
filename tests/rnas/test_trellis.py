import random
from collections import Counter
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from method_cases import SMALL_TRELLISES, level_paths, levels_probability, row_softmax

from rnas.errors import MethodError
from rnas.trellis import OPEN, Arrow, State, Trellis

logits = st.lists(st.floats(-8, 8), min_size=40, max_size=40)
trellises = pytest.mark.parametrize("name", SMALL_TRELLISES)


def test_open_has_21_states_33_arrows_42_paths_and_15_rows_of_beta():
    assert len(OPEN.states) == 21
    assert len(OPEN.arrows) == 33
    assert len(list(OPEN.paths())) == 42
    assert len(OPEN.choices) == 15
    assert all(len(OPEN.out_of(state)) == 2 for state in OPEN.choices)


def test_auto_deeplab_has_105_arrows():
    trellis = Trellis(12, (4, 8, 16, 32), ("up", "stay", "shrink"))
    assert len(trellis.arrows) == 105
    assert {len(trellis.out_of(state)) for state in trellis.choices} == {2, 3}


def test_parallelogram_has_26_states_39_arrows_147_paths():
    trellis = Trellis(12, (2, 4, 8, 16), ("stay", "shrink"), band=1)
    assert len(trellis.states) == 26
    assert len(trellis.arrows) == 39
    assert len(list(trellis.paths())) == 147
    for layer, level in trellis.states:
        assert abs(level - layer * 3 / 12) <= 1


@pytest.mark.parametrize(
    ("size", "least", "factors"),
    [
        (96, 3, (4, 8, 16, 32)),
        (64, 3, (4, 8, 16)),
        (25, 2, (4, 8, 16)),
        (24, 3, (4, 8)),
        (8, 3, (4, 8)),
        (8, 1, (4, 8, 16, 32)),
    ],
)
def test_small_clips_leave_out_levels_but_never_all_paths_but_one(size, least, factors):
    trellis = Trellis(12, (4, 8, 16, 32), ("up", "stay", "shrink"))
    assert trellis.for_clips(size, least) == Trellis(12, factors, ("up", "stay", "shrink"))


@trellises
def test_paths_are_all_sequences_less_the_forbidden_ones(name):
    trellis = SMALL_TRELLISES[name]
    expected = [
        tuple(trellis.factors[level] for level in levels[1:]) for levels in level_paths(trellis)
    ]
    found = list(trellis.paths())
    assert len(found) == len(set(found))
    assert set(found) == set(expected)


@trellises
def test_states_and_arrows_are_those_that_some_path_uses(name):
    trellis = SMALL_TRELLISES[name]
    used = {arrow for path in trellis.paths() for arrow in trellis.arrows_of(path)}
    assert set(trellis.arrows) == used
    assert len(trellis.arrows) == len(used)
    assert set(trellis.states) == {arrow.target for arrow in used}


@trellises
def test_into_and_out_of_part_the_arrows(name):
    trellis = SMALL_TRELLISES[name]
    stem = State(0, 0)
    into = [arrow for state in trellis.states for arrow in trellis.into(state)]
    out_of = [arrow for state in (stem, *trellis.states) for arrow in trellis.out_of(state)]
    assert sorted(into) == sorted(out_of) == sorted(trellis.arrows)
    assert all(arrow.target == state for state in trellis.states for arrow in trellis.into(state))
    assert trellis.into(stem) == ()
    assert trellis.exists(stem)
    assert not trellis.exists(State(-1, 0))
    assert not trellis.exists(State(1, len(trellis.factors)))


@trellises
@given(values=logits)
def test_path_probabilities_sum_to_one(name, values):
    trellis = SMALL_TRELLISES[name]
    beta = row_softmax(trellis, (values * 2)[: len(trellis.arrows)])
    assert sum(trellis.probability(path, beta) for path in trellis.paths()) == pytest.approx(1)


@given(values=logits)
def test_probability_of_a_path_is_the_product_of_its_arrows(values):
    beta = row_softmax(OPEN, values)
    for levels in level_paths(OPEN):
        path = tuple(OPEN.factors[level] for level in levels[1:])
        assert OPEN.probability(path, beta) == pytest.approx(levels_probability(levels, beta))


def test_the_coarsest_level_can_only_stay():
    for layer in range(3, 6):
        state = State(layer, 3)
        assert OPEN.out_of(state) == (Arrow(state, State(layer + 1, 3)),)
        assert OPEN.uniform()[OPEN.out_of(state)[0]] == 1


@trellises
def test_uniform_beta_of_a_state_sums_to_one(name):
    trellis = SMALL_TRELLISES[name]
    beta = trellis.uniform()
    assert set(beta) == set(trellis.arrows)
    for source in {arrow.source for arrow in trellis.arrows}:
        row = {beta[arrow] for arrow in trellis.out_of(source)}
        assert len(row) == 1
        assert sum(beta[arrow] for arrow in trellis.out_of(source)) == pytest.approx(1)


@trellises
def test_path_uniform_beta_makes_all_paths_equally_likely(name):
    trellis = SMALL_TRELLISES[name]
    beta = trellis.path_uniform()
    for source in {arrow.source for arrow in trellis.arrows}:
        assert sum(beta[arrow] for arrow in trellis.out_of(source)) == pytest.approx(1)
    paths = list(trellis.paths())
    for path in paths:
        assert trellis.probability(path, beta) == pytest.approx(1 / len(paths))


@trellises
def test_shares_of_a_state_sum_to_one_and_survive_a_common_factor(name):
    trellis = SMALL_TRELLISES[name]
    beta = {arrow: 0.1 + number / 7 for number, arrow in enumerate(trellis.arrows)}
    shares = trellis.shares(beta)
    for state in trellis.states:
        assert sum(shares[arrow] for arrow in trellis.into(state)) == pytest.approx(1)
    scaled = {arrow: value * (2 + arrow.target.level) for arrow, value in beta.items()}
    assert trellis.shares(scaled) == pytest.approx(shares)
    assert set(trellis.shares(dict.fromkeys(trellis.arrows, 0.0)).values()) == {0.0}


def test_only_the_row_of_layer_one_is_unidentifiable_in_open():
    assert OPEN.unidentifiable == {State(0, 0)}


def test_a_row_that_the_head_reads_directly_is_identifiable():
    assert Trellis(1, (2, 4), ("stay", "shrink")).unidentifiable == frozenset()


@pytest.mark.parametrize(
    "path",
    [
        (2, 2, 2, 2, 2),
        (2, 2, 2, 2, 2, 2, 2),
        (2, 2, 2, 2, 2, 3),
        (8, 8, 8, 8, 8, 8),
        (2, 4, 2, 2, 2, 2),
        (2, 2, 8, 8, 8, 8),
    ],
)
def test_a_path_outside_the_trellis_is_refused(path):
    with pytest.raises(MethodError, match="path"):
        OPEN.arrows_of(path)


@pytest.mark.parametrize(
    "settings_",
    [
        {"layers": 0, "factors": (2, 4), "moves": ("stay",)},
        {"layers": 2, "factors": (), "moves": ("stay",)},
        {"layers": 2, "factors": (2, 4), "moves": ()},
        {"layers": 2, "factors": (2, 4), "moves": ("stay", "jump")},
        {"layers": 2, "factors": (2,), "moves": ("shrink",)},
        {"layers": 4, "factors": (2, 4, 8, 16), "moves": ("stay",), "band": 0.5},
    ],
)
def test_a_trellis_without_a_path_is_refused(settings_):
    with pytest.raises(MethodError):
        Trellis(**settings_)


def test_ways_on_count_the_paths():
    assert OPEN.ways_on[State(0, 0)] == 42
    assert all(OPEN.ways_on[state] == 1 for state in OPEN.states if state.layer == 6)


def test_paths_are_drawn_uniformly():
    """Each of 42 paths about as often as the others: χ² with 41 degrees, far tail."""
    generator = random.Random(3)
    draws = 8400
    counts = Counter(OPEN.draw_path(generator) for _ in range(draws))
    expected = draws / 42
    statistic = sum((counts[path] - expected) ** 2 / expected for path in OPEN.paths())
    assert set(counts) == set(OPEN.paths())
    assert statistic < 90


def test_a_uniform_step_is_not_a_uniform_path():
    """Why the control draws paths: step by step, early shrinking would win."""
    shares = {path: OPEN.probability(path, OPEN.uniform()) for path in OPEN.paths()}
    assert max(shares.values()) == pytest.approx(1 / 8)
    assert min(shares.values()) == pytest.approx(prod([1 / 2] * 6))


@pytest.mark.parametrize("factors", [(3, 6), (2, 8), (1, 2), (4, 2), (2, 2)])
def test_factors_that_do_not_double_are_refused(factors):
    with pytest.raises(MethodError, match="powers of two"):
        Trellis(layers=2, factors=factors, moves=("stay", "shrink"))


def test_a_move_named_twice_is_refused():
    with pytest.raises(MethodError, match="each once"):
        Trellis(layers=2, factors=(2, 4), moves=("stay", "stay"))
