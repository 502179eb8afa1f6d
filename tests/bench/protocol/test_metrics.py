"""Scores against matrices worked out by hand, and against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, recall_score

from bench.protocol.metrics import fold_mean, matrix_scores, pooled_metrics, scores

CLASSES = ("negative", "positive", "surprise")

labels = st.integers(0, 2)
answers = st.lists(st.tuples(labels, labels), min_size=1, max_size=40)


def clip(true, pred, subject="s01", dataset="smic"):
    return {"dataset": dataset, "subject": subject, "true": true, "pred": pred}


def test_matrix_worked_out_by_hand():
    found = matrix_scores(np.array([[3, 1, 0], [1, 2, 1], [0, 0, 2]]), CLASSES)
    assert found["uar"] == pytest.approx((3 / 4 + 2 / 4 + 2 / 2) / 3)
    assert found["uf1"] == pytest.approx((6 / 8 + 4 / 7 + 4 / 5) / 3)
    assert found["acc"] == pytest.approx(7 / 10)
    assert found["confusion"] == [[3, 1, 0], [1, 2, 1], [0, 0, 2]]
    assert found["classes"] == list(CLASSES)
    assert found["absent"] == []


def test_published_predictions_of_ststnet():
    """Its public log on the composite gives UAR .7186 and UF1 .7353 (not the table's .7605)."""
    found = matrix_scores(np.array([[219, 22, 9], [40, 62, 7], [21, 3, 59]]), CLASSES)
    assert round(found["uar"], 4) == 0.7186
    assert round(found["uf1"], 4) == 0.7353


def test_rows_are_the_truth():
    found = scores([0, 0, 1], [2, 2, 1], CLASSES)
    assert found["confusion"] == [[0, 0, 2], [0, 1, 0], [0, 0, 0]]
    assert found["clips"] == 3


def test_a_class_without_a_clip_is_named_and_left_out():
    found = matrix_scores(np.array([[3, 1, 0], [0, 0, 0], [1, 0, 3]]), CLASSES)
    assert found["absent"] == ["positive"]
    assert found["uar"] == pytest.approx((3 / 4 + 3 / 4) / 2)
    assert found["uf1"] == pytest.approx((6 / 8 + 6 / 7) / 2)


def test_without_any_clip_there_is_no_score():
    found = scores([], [], CLASSES)
    assert (found["uar"], found["uf1"], found["acc"]) == (None, None, None)
    assert found["absent"] == list(CLASSES)
    assert found["clips"] == 0


@given(answers)
def test_scores_are_scikit_learns_over_the_classes_that_occur(pairs):
    true, predicted = zip(*pairs, strict=True)
    present = sorted(set(true))
    found = scores(true, predicted, CLASSES)
    options = {"labels": present, "average": "macro", "zero_division": 0}
    assert found["uar"] == pytest.approx(recall_score(true, predicted, **options))
    assert found["uf1"] == pytest.approx(f1_score(true, predicted, **options))
    assert found["acc"] == pytest.approx(accuracy_score(true, predicted))
    assert found["absent"] == [CLASSES[c] for c in range(3) if c not in present]


@given(answers, st.randoms())
def test_scores_do_not_depend_on_the_order_of_the_clips(pairs, random):
    clips = [clip(*pair, subject=f"s{index % 4}") for index, pair in enumerate(pairs)]
    mixed = random.sample(clips, len(clips))
    assert pooled_metrics(mixed, CLASSES, ["smic"]) == pooled_metrics(clips, CLASSES, ["smic"])


def test_pooling_is_not_the_mean_over_folds():
    """One subject shows nine clips, another one: pooled, a clip counts as a clip."""
    clips = [clip(0, 0, "s01")] * 8 + [clip(1, 0, "s01"), clip(1, 1, "s02")]
    pooled = pooled_metrics(clips, CLASSES[:2], ["smic"])
    folds = [
        pooled_metrics([c for c in clips if c["subject"] == name], CLASSES[:2], ["smic"])["uar"]
        for name in ("s01", "s02")
    ]
    assert pooled["uar"] == pytest.approx((8 / 8 + 1 / 2) / 2)
    assert np.mean(folds) == pytest.approx((0.5 + 1.0) / 2)
    assert pooled["uf1"] == pytest.approx((16 / 17 + 2 / 3) / 2)
    assert pooled["subjects"] == 2


def test_a_composite_is_scored_as_a_whole_and_by_part():
    clips = [
        clip(0, 0, "1", "smic"),
        clip(1, 0, "1", "smic"),
        clip(2, 2, "1", "samm"),
        clip(0, 2, "2", "samm"),
    ]
    found = pooled_metrics(clips, CLASSES, ["smic", "casme2", "samm"])
    assert found["subjects"] == 3  # subject 1 of SMIC is not subject 1 of SAMM
    assert found["confusion"] == [[1, 0, 1], [1, 0, 0], [0, 0, 1]]
    assert list(found["slices"]) == ["smic", "casme2", "samm"]
    smic, casme2, samm = found["slices"].values()
    assert smic["confusion"] == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert (smic["clips"], smic["subjects"], smic["uar"]) == (2, 1, 0.5)
    assert samm["confusion"] == [[0, 0, 1], [0, 0, 0], [0, 0, 1]]
    assert (samm["clips"], samm["subjects"]) == (2, 2)
    assert (casme2["clips"], casme2["uar"]) == (0, None)


def test_a_single_set_has_no_slices():
    assert pooled_metrics([clip(0, 0)], CLASSES, ["smic"])["slices"] == {}


class TestFoldMean:
    def test_worked_out_by_hand(self):
        """One subject wholly right on two classes, the other right on one clip of two."""
        clips = [
            clip(0, 0),
            clip(1, 1),
            clip(0, 0, subject="s02"),
            clip(0, 1, subject="s02"),
        ]
        found = fold_mean(clips, CLASSES)
        assert found["acc"] == pytest.approx((1 + 1 / 2) / 2)
        assert found["uar"] == pytest.approx((1 + 1 / 2) / 2)
        assert found["uf1"] == pytest.approx((1 + 2 / 3) / 2)

    def test_subjects_of_the_same_name_in_two_data_sets_are_two(self):
        clips = [clip(0, 0), clip(0, 1, dataset="samm"), clip(0, 1, dataset="samm")]
        assert fold_mean(clips, CLASSES)["acc"] == pytest.approx((1 + 0) / 2)

    @given(answers)
    def test_of_one_subject_is_the_pooled_score(self, pairs):
        clips = [clip(*pair) for pair in pairs]
        pooled = pooled_metrics(clips, CLASSES, ("smic",))
        found = fold_mean(clips, CLASSES)
        assert found == {name: pytest.approx(pooled[name]) for name in ("uar", "uf1", "acc")}
