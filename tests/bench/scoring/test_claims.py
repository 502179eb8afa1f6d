"""What a published score is, on predictions small enough to score by hand and on STSTNet's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_logs import HAND, ststnet, ststnet_matrices
from sklearn.metrics import f1_score, precision_score

from bench.errors import UsageError
from bench.scoring.claims import Claim, aggregates, judge, macro_precision, per_cent_hint
from bench.scoring.logs import parse_log


def of_hand(metric):
    predictions = parse_log(HAND, "log").predictions
    return aggregates(metric, predictions.matrices.sum(axis=0), predictions)


def test_every_aggregate_of_uar_by_hand():
    assert of_hand("uar") == pytest.approx(
        {
            "pooled UAR": 0.7,
            "macro precision": 7 / 12,
            "pooled UF1": 11 / 18,
            "pooled accuracy": 5 / 8,
            "fold mean of UAR": 2 / 3,
            "fold mean of macro precision": (2 / 3 + 2 / 3 + 1 / 6) / 3,
            "fold mean of UAR, absent classes as 0": (1 / 2 + 2 / 3 + 1 / 6) / 3,
            "fold mean of UAR over true and predicted classes": (1 / 2 + 1 + 1 / 6) / 3,
            "fold mean of UAR, absent classes as 1": (5 / 6 + 1 + 1 / 2) / 3,
            "mean of UAR over data sets": (8 / 9 + 1 / 4) / 2,
            "UAR of the slice casme2": 8 / 9,
            "macro precision of the slice casme2": (1 + 1 + 1 / 2) / 3,
            "UAR of the slice samm": 1 / 4,
            "macro precision of the slice samm": (1 / 2) / 3,
        }
    )


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_precision_and_weighted_f1_are_scikit_learns(pairs):
    true, pred = zip(*pairs, strict=True)
    matrix = np.zeros((3, 3), int)
    np.add.at(matrix, (true, pred), 1)
    options = {"labels": [0, 1, 2], "zero_division": 0}
    expected = precision_score(true, pred, average="macro", **options)
    assert float(macro_precision(matrix)) == pytest.approx(expected)
    weighted = f1_score(true, pred, average="weighted", **options)
    assert aggregates("uf1", matrix)["F1 weighted by class size"] == pytest.approx(weighted)


@pytest.mark.parametrize(
    ("dataset", "published"),
    [("composite", ".7605"), ("smic", ".7013"), ("casme2", ".8686"), ("samm", ".6810")],
)
def test_the_uar_published_for_ststnet_is_macro_precision(dataset, published):
    matrix = ststnet_matrices()[dataset]
    verdict = judge(Claim.parse("uar", published), aggregates("uar", matrix))
    assert verdict.verdict == "other"
    assert verdict.equals == ("macro precision",)


def test_its_uf1_is_the_pooled_one():
    matrix = ststnet_matrices()["composite"]
    verdict = judge(Claim.parse("uf1", ".7353"), aggregates("uf1", matrix))
    assert verdict.verdict == "pooled"


def test_the_fold_mean_passed_off_as_the_score():
    verdict = judge(Claim.parse("uf1", "69.4%"), of_hand("uf1"))
    assert verdict.equals == ("fold mean of UF1",)
    assert verdict.pooled == pytest.approx(11 / 18)
    assert "equals fold mean of UF1; not the pooled score, which is 0.6111" in str(verdict)


def test_one_sets_slice_passed_off_as_the_composites_score():
    verdict = judge(Claim.parse("acc", "0.80"), {**of_hand("acc")})
    assert verdict.equals == ("accuracy of the slice casme2",)


def test_a_number_that_is_nothing_gets_the_nearest():
    verdict = judge(Claim.parse("uar", "0.6951"), of_hand("uar"))
    assert (verdict.verdict, verdict.equals, verdict.nearest) == ("none", (), "pooled UAR")


@pytest.mark.parametrize("text", ["0.7", ".70", "0.7000", "70%", "70.0%"])
def test_a_claim_is_taken_at_its_own_rounding(text):
    assert judge(Claim.parse("uar", text), of_hand("uar")).verdict == "pooled"


@pytest.mark.parametrize(("text", "value"), [("1", 0.99), ("0", 0.01)])
def test_a_whole_number_has_two_decimals(text, value):
    assert judge(Claim.parse("uar", text), {"pooled UAR": value}).verdict == "none"
    assert judge(Claim.parse("uar", text), {"pooled UAR": float(text)}).verdict == "pooled"


def test_half_a_unit_is_still_the_same_number():
    assert judge(Claim.parse("acc", "0.62"), {"pooled accuracy": 0.625}).verdict == "pooled"
    assert judge(Claim.parse("acc", "0.63"), {"pooled accuracy": 0.625}).verdict == "pooled"
    assert judge(Claim.parse("acc", "0.624"), {"pooled accuracy": 0.625}).verdict == "none"


NO_SCORES = ("", "high", "nan", "inf", "-0.1", "1.2", "120%", "smic=", "=x", "0e999999999")


@pytest.mark.parametrize("text", NO_SCORES)
def test_what_is_no_score_is_refused(text):
    with pytest.raises(UsageError, match="--claimed-uar"):
        Claim.parse("uar", text)


@pytest.mark.parametrize("text", [".7605%", "0.9 %", "0.05%"])
def test_a_fraction_with_a_per_cent_sign_is_hinted_at(text):
    number = text.rstrip("% ")
    hint = per_cent_hint(text)
    assert hint.endswith(f"leave out the % if {number} is meant")
    assert float(hint.split(" is ")[1].partition(";")[0]) == pytest.approx(float(number) / 100)


@pytest.mark.parametrize("text", ["76.05%", "1%", "0%", ".7605", "0.5"])
def test_scores_and_per_cent_are_not(text):
    assert not per_cent_hint(text)


def test_whole_challenge_predictions_give_the_published_matrices():
    made = ststnet()
    for name in ("smic", "casme2", "samm"):
        assert (made.of(name).matrices.sum(axis=0) == ststnet_matrices()[name]).all()
    assert (made.matrices.sum(axis=0) == ststnet_matrices()["composite"]).all()
