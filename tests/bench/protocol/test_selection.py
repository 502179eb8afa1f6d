"""Selection rules: which epoch each takes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from bench.config.loading import load_config
from bench.config.settings import recorded_rules
from bench.errors import UsageError
from bench.protocol.selection import best_epoch

TRUE = [0, 0, 0, 1]


def logits(*labels):
    """Logits that say these labels."""
    return torch.eye(3)[list(labels)]


class TestBestEpoch:
    def test_is_the_most_accurate(self):
        said = {1: logits(0, 0, 1, 0), 2: logits(0, 0, 0, 0), 3: logits(0, 2, 1, 1)}
        assert best_epoch(said, TRUE, 3) == 2

    def test_of_equal_accuracy_has_the_higher_uf1(self):
        said = {1: logits(0, 0, 0, 0), 2: logits(0, 0, 1, 1), 3: logits(0, 0, 2, 1)}
        assert best_epoch(said, TRUE, 3) == 3  # UF1 .43, .73, .9

    def test_of_equals_is_the_earliest_whatever_their_order(self):
        said = {7: logits(0, 0, 0, 1), 3: logits(0, 0, 0, 1), 5: logits(0, 0, 0, 1)}
        assert best_epoch(said, TRUE, 3) == 3

    @given(
        st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=1, max_size=9),
    )
    def test_is_never_less_accurate_than_another(self, epochs):
        said = {number: logits(*labels) for number, labels in enumerate(epochs, 1)}
        best = epochs[best_epoch(said, TRUE, 3) - 1]
        assert accuracy_score(TRUE, best) == max(accuracy_score(TRUE, each) for each in epochs)


class TestRecordedRules:
    @pytest.mark.parametrize(
        ("overrides", "rules"),
        [
            ([], ("last",)),
            (["selection=oracle"], ("last", "oracle")),
            (["rules= oracle ,inner_val,oracle"], ("last", "inner_val", "oracle")),
            (["rules=last", "selection=inner_val"], ("last", "inner_val")),
        ],
    )
    def test_always_hold_last_and_the_one_that_is_scored(self, overrides, rules):
        assert recorded_rules(load_config("smoke", overrides).protocol) == rules

    def test_unknown_ones_are_told_of_at_once(self):
        with pytest.raises(UsageError, match=r"unknown selection rule 'oracel'.*'oracle'"):
            load_config("smoke", ["rules=last,oracel"])
