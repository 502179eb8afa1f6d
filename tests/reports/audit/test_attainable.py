"""The search against every confusion matrix there is over small counts."""

from decimal import InvalidOperation
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.protocol.metrics import matrix_scores
from reports.audit import attainable, diagonals
from reports.audit.attainable import TimeUp, nearest, uf1_range
from reports.audit.claim import SCORES, Claim
from reports.audit.matrices import arrange, can_arrange, confusion_scores

COMPOSITE = (250, 109, 83)

small_counts = st.one_of(
    st.lists(st.integers(1, 6), min_size=2, max_size=2),
    st.lists(st.integers(1, 3), min_size=3, max_size=3),
    st.permutations([4, 3, 3]),
)


def rows_of(total, classes):
    """Every row of a confusion matrix with this many clips."""
    return [row for row in product(range(total + 1), repeat=classes) if sum(row) == total]


def all_matrices(counts):
    return product(*(rows_of(count, len(counts)) for count in counts))


def all_scores(counts):
    """The distinct (Acc, UAR, UF1) of all matrices, exactly."""
    return _all_scores(tuple(counts))


@cache
def _all_scores(counts):
    return {tuple(confusion_scores(matrix).values()) for matrix in all_matrices(counts)}


def claims_of(values, tolerance):
    return {name: Claim(value, tolerance) for name, value in values.items()}


def brute_misfit(counts, claims):
    return min(
        max(
            abs(score - claims[name].value) / claims[name].tolerance
            for name, score in zip(SCORES, triple, strict=True)
            if name in claims
        )
        for triple in all_scores(counts)
    )


@st.composite
def claim_sets(draw):
    """Counts with claims of some of the scores: near true ones, or anywhere."""
    counts = draw(small_counts)
    names = draw(st.lists(st.sampled_from(SCORES), min_size=1, unique=True))
    digits = draw(st.integers(1, 4))
    base = draw(st.sampled_from(sorted(all_scores(counts))))
    values = dict(zip(SCORES, base, strict=True))
    anywhere = draw(st.booleans())
    claims = {}
    for name in names:
        value = draw(st.fractions(0, 1, max_denominator=1000)) if anywhere else values[name]
        claims[name] = Claim.typed(f"{float(value):.{digits}f}")
    return counts, claims


@given(claim_sets())
@settings(max_examples=50)
def test_the_nearest_matrix_is_that_of_brute_force(drawn):
    counts, claims = drawn
    found = nearest(counts, claims)
    least = brute_misfit(counts, claims)
    assert found.attained == (least <= 1)
    assert found.attained == (found.misfit <= 1)
    if not found.attained:
        assert found.misfit == pytest.approx(float(least), abs=1e-5)
    assert [sum(row) for row in found.confusion] == list(counts)
    assert found.scores == confusion_scores(found.confusion)
    off = [abs(found.scores[name] - each.value) / each.tolerance for name, each in claims.items()]
    assert float(max(off)) == pytest.approx(found.misfit, abs=1e-5)


@given(claim_sets(), st.sampled_from([Fraction(1, 300), Fraction(1, 40), Fraction(1, 8)]))
@settings(max_examples=50)
def test_the_range_of_uf1_is_that_of_brute_force(drawn, tolerance):
    counts, claims = drawn
    claims = {name: claim.within(tolerance) for name, claim in claims.items()}
    inside = [
        uf1
        for acc, uar, uf1 in all_scores(counts)
        if all(claims[name].holds(x) for name, x in (("acc", acc), ("uar", uar)) if name in claims)
    ]
    found = uf1_range(counts, claims)
    if not inside:
        assert found is None
    else:
        assert found == pytest.approx((float(min(inside)), float(max(inside))), abs=1e-9)


@given(claim_sets(), st.integers(1, 30))
@settings(max_examples=30)
def test_the_size_of_the_parts_does_not_change_the_answer(drawn, size):
    counts, claims = drawn
    whole, span = nearest(counts, claims), uf1_range(counts, claims)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attainable, "BLOCK", size)
        patch.setattr(diagonals, "BLOCK", size)
        parted, parted_span = nearest(counts, claims), uf1_range(counts, claims)
    assert parted.attained == whole.attained
    assert parted_span == (span and pytest.approx(span, abs=1e-9))
    if not whole.attained:
        assert parted.misfit == pytest.approx(whole.misfit, abs=1e-5)


@given(small_counts, st.data())
@settings(max_examples=30)
def test_a_claim_on_the_edge_of_its_tolerance_is_decided_exactly(counts, data):
    target = data.draw(st.sampled_from(sorted(all_scores(counts))))
    margin = Fraction(1, 10**6)
    shift = data.draw(st.sampled_from([-1, 1])) * margin
    just = claims_of({"uf1": target[2] + shift}, margin)
    assert nearest(counts, just).attained
    beyond = {name: claim.within(margin * (1 - Fraction(1, 10**9))) for name, claim in just.items()}
    found = nearest(counts, beyond)
    assert found.attained == (found.misfit <= 1) == (brute_misfit(counts, beyond) <= 1)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=3), st.data())
@settings(max_examples=80)
def test_errors_can_be_arranged_exactly_where_a_matrix_has_them(errors, data):
    wrong = data.draw(st.lists(st.integers(0, 6), min_size=len(errors), max_size=len(errors)))
    size = len(errors)
    rows = [[r for r in rows_of(e, size) if r[c] == 0] for c, e in enumerate(errors)]
    exists = any(
        [sum(column) for column in zip(*matrix, strict=True)] == wrong for matrix in product(*rows)
    )
    assert can_arrange(errors, wrong) == exists
    hits = list(range(1, size + 1))
    counts = [e + h for e, h in zip(errors, hits, strict=True)]
    if not exists:
        with pytest.raises(ValueError, match="false positives"):
            arrange(counts, hits, wrong)
        return
    matrix = np.array(arrange(counts, hits, wrong))
    assert matrix.min() >= 0 and matrix.sum(axis=1).tolist() == counts
    assert matrix.diagonal().tolist() == hits
    assert (matrix.sum(axis=0) - hits).tolist() == wrong


@given(small_counts)
@settings(max_examples=20)
def test_splits_and_bounds_enclose_every_matrix(counts):
    """What the search leaves out cannot matter: all splits are tried, the bounds hold."""
    seen = {}
    for matrix in all_matrices(counts):
        hits = tuple(matrix[c][c] for c in range(len(counts)))
        wrong = tuple(
            sum(column) - h for column, h in zip(zip(*matrix, strict=True), hits, strict=True)
        )
        seen.setdefault(hits, set()).add(wrong)
    for hits, splits in seen.items():
        diagonal, n = np.array([hits]), np.array(counts)
        owner, wrong = attainable._splits(n, diagonal)
        assert not owner.any() and len(wrong) == len(splits)
        assert set(map(tuple, wrong.tolist())) == splits
        uf1 = attainable._uf1(n, diagonal[owner], wrong)
        assert attainable._uf1_floor(n, diagonal)[0] <= uf1.min() + 1e-12
        assert attainable._uf1_ceiling(n, diagonal)[0] == pytest.approx(uf1.max(), abs=1e-12)


@pytest.mark.parametrize("values", [(0.8, 0.75, 0.7), (0.5, 0.5, 0.2), (0.33, 0.25, 0.3)])
def test_four_classes_are_those_of_brute_force(values):
    counts = (2, 1, 2, 1)
    claims = claims_of(dict(zip(SCORES, map(Fraction, values), strict=True)), Fraction(1, 50))
    expected = brute_misfit(counts, claims)
    found = nearest(counts, claims)
    assert found.attained == (expected <= 1)
    assert found.attained or found.misfit == pytest.approx(float(expected))


FAR = claims_of({"acc": Fraction(3, 4), "uf1": Fraction(9, 10)}, Fraction(1, 1000))


@pytest.mark.parametrize(("passes", "verdict"), [(0, "undecided"), (1, "unattainable")])
def test_an_ended_search_says_what_is_known(passes, verdict):
    """After a whole pass it is known that no matrix is within the tolerances."""
    begun = []

    def watch(what, share):
        begun.append(what)
        if len(set(begun)) > passes:
            raise TimeUp("within 5 minutes")

    found = nearest((9, 5, 3, 3), FAR, watch)
    assert (found.verdict, found.ended) == (verdict, "within 5 minutes")
    assert found.scores == confusion_scores(found.confusion) and not found.attained
    assert found.least <= nearest((9, 5, 3, 3), FAR).misfit <= found.misfit


def test_five_classes_with_hundreds_of_clips_are_decided():
    """Their 280 million diagonals are too many to look at each."""
    typed = {name: Claim.typed(text) for name, text in (("acc", ".7620"), ("uf1", ".9012"))}
    found = nearest((190, 50, 40, 30, 22), typed)
    assert (found.verdict, found.ended) == ("unattainable", "")
    assert found.scores["uf1"] < typed["uf1"].value and found.scores["acc"] > typed["acc"].value


def test_scores_are_those_of_the_bench():
    matrix = [[219, 22, 9], [40, 62, 7], [21, 3, 59]]
    ours = confusion_scores(matrix)
    theirs = matrix_scores(np.array(matrix), ("negative", "positive", "surprise"))
    assert {name: float(score) for name, score in ours.items()} == pytest.approx(
        {name: theirs[name] for name in SCORES}
    )


def test_scores_of_a_real_matrix_are_attained_over_the_composite():
    scores = confusion_scores([[219, 22, 9], [40, 62, 7], [21, 3, 59]])
    claims = {name: Claim.typed(f"{float(score):.4f}") for name, score in scores.items()}
    assert nearest(COMPOSITE, claims).attained


@pytest.mark.parametrize(
    ("text", "value", "tolerance"),
    [
        (".90", "0.9", "0.005"),
        ("0.9029", "0.9029", "0.00005"),
        ("0.750", "0.75", "0.0005"),
        ("1", "1", "0.5"),
        ("0.8511199", "0.8511199", "0.0000005"),  # the finest there is
    ],
)
def test_digits_typed_set_the_tolerance(text, value, tolerance):
    assert Claim.typed(text) == Claim(Fraction(value), Fraction(tolerance))


def test_what_is_no_number_is_no_claim():
    with pytest.raises(InvalidOperation):
        Claim.typed("high")
