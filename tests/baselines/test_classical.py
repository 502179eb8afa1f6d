"""Laws of the features of the classical baselines, and of how their C is chosen."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.model_selection

from baselines.classical.lbp_top import BLOCKS, PATTERNS, lbp_top
from baselines.classical.linear_difference import onset_differences
from baselines.classical.linear_flow import normalised_flow
from baselines.classical.linear_svm import STRENGTHS, best_strength, linear_svm
from baselines.classical.majority import MAJORITY
from rnas.errors import MethodError


def grey_clip(levels: int = 256, seed: int = 0) -> np.ndarray:
    """uint8 (4, 14, 13, 3) with three equal channels."""
    frames = np.random.default_rng(seed).integers(0, levels, (4, 14, 13, 1))
    return np.repeat(frames, 3, axis=3).astype(np.uint8)


class TestLbpTop:
    def test_each_histogram_of_a_plane_and_a_block_sums_to_1(self):
        histograms = lbp_top(grey_clip()).reshape(3 * BLOCKS**2, PATTERNS)
        assert np.allclose(histograms.sum(1), 1)
        assert (histograms >= 0).all()

    def test_any_increasing_change_of_grey_levels_leaves_it_as_it_is(self):
        clip = grey_clip(levels=60)
        levels = np.sort(np.random.default_rng(1).choice(256, 60, replace=False)).astype(np.uint8)
        assert np.array_equal(lbp_top(levels[clip]), lbp_top(clip))
        assert not np.array_equal(lbp_top(levels[::-1][clip]), lbp_top(clip))

    def test_each_plane_sees_its_own_two_directions(self):
        """Stripes that run along one axis are constant in the plane across it."""
        flat = np.zeros(PATTERNS)
        flat[-1] = 1  # every neighbour is as bright as the centre
        still = np.repeat(grey_clip()[:1], 4, axis=0)  # nothing changes in time
        columns = np.broadcast_to(still[:1, :1], still.shape)  # nor from row to row
        xy, xt, yt = lbp_top(columns).reshape(3, BLOCKS**2, PATTERNS)
        assert np.allclose(yt, flat)
        assert not np.allclose(xy, flat) and not np.allclose(xt, flat)

    def test_refuses_clips_without_a_neighbour_in_time(self):
        with pytest.raises(MethodError, match=r"2×14×13 .* expected at least 3×10×10"):
            lbp_top(grey_clip()[:2])


class TestFlow:
    def test_forgets_shift_and_scale_and_lies_within_1(self):
        generator = np.random.default_rng(0)
        flow = generator.normal(size=(2, 7, 7)).astype(np.float32)
        found = normalised_flow(flow)
        shift = np.array([3.0, -5.0]).reshape(2, 1, 1)
        assert np.allclose(normalised_flow(0.25 * flow + shift), found, atol=1e-5)
        assert np.abs(found).max() == pytest.approx(1)

    def test_without_movement_is_zero(self):
        assert not normalised_flow(np.full((2, 7, 7), 127.0)).any()


class TestDifference:
    def test_is_zero_of_a_still_clip_and_forgets_what_stays(self):
        clip = grey_clip(levels=100)
        assert onset_differences(clip).shape == (3 * 14 * 13,)
        assert np.allclose(onset_differences(clip + 50), onset_differences(clip), atol=1e-4)
        assert not onset_differences(np.repeat(clip[:1], 4, axis=0)).any()
        with pytest.raises(MethodError, match=r"set data\.frames to 2"):
            onset_differences(clip[:1])


def test_majority_answers_with_the_most_frequent_class():
    fitted = MAJORITY.fit(np.empty((5, 0)), np.array([0, 2, 2, 1, 2]), list("aabbb"))
    assert fitted.predict_log_proba(np.empty((3, 0))).argmax(1).tolist() == [2, 2, 2]


class TestSVM:
    people = np.repeat(list("abcdefg"), 6)
    labels = np.tile([0, 1, 2], 14)

    def features(self, noise: float) -> np.ndarray:
        drawn = np.random.default_rng(0).normal(size=(len(self.labels), 5))
        return np.eye(5)[self.labels] + noise * drawn

    def test_finds_what_is_there_the_same_way_each_time(self):
        features = self.features(noise=0.1)
        one, other = (linear_svm(features, self.labels, self.people) for _ in range(2))
        assert (one.predict(features) == self.labels).all()
        assert np.array_equal(one.decision_function(features), other.decision_function(features))

    def test_does_not_depend_on_the_unit_of_its_features(self):
        features = self.features(noise=0.8)
        one, other = (linear_svm(c * features, self.labels, self.people) for c in (1, 1000))
        answers = one.decision_function(features), other.decision_function(1000 * features)
        assert np.allclose(*answers, atol=1e-3)

    def test_chooses_c_on_people_it_has_not_seen(self, monkeypatch):
        """Every inner fold leaves out whole people, and together they leave out everyone once."""
        seen, real = [], sklearn.model_selection.cross_val_predict

        def spy(*arguments, cv):
            seen.append(cv)
            return real(*arguments, cv=cv)

        monkeypatch.setattr(sklearn.model_selection, "cross_val_predict", spy)
        features = self.features(noise=0.5)
        assert best_strength(features @ features.T, self.labels, self.people) in STRENGTHS
        assert len(seen) == len(STRENGTHS)
        for train, left in seen[0]:
            assert not set(self.people[train]) & set(self.people[left])
        out = np.concatenate([left for _, left in seen[0]])
        assert sorted(out) == list(range(len(self.labels)))

    def test_takes_the_middle_c_where_there_is_nobody_to_leave_out(self):
        kernel, middle = np.eye(6), STRENGTHS[len(STRENGTHS) // 2]
        labels = np.array([0, 0, 0, 1, 1, 1])
        assert best_strength(kernel, labels, list("aaaaaa")) == middle
        assert best_strength(kernel, labels, list("aaabbb")) == middle  # leaves a single class

    def test_refuses_clips_of_one_class(self):
        with pytest.raises(MethodError, match="two classes"):
            linear_svm(np.eye(4), np.zeros(4, int), list("abcd"))
