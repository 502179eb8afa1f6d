"""The methods that measure surrogates: what they take away, and that they see what is there."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config.settings import TrainConfig
from bench.data.surrogates.writing import write_surrogate
from bench.errors import DataError
from reports.surrogate import networks, table
from reports.surrogate.measures import (
    METHODS,
    Level,
    Result,
    blocks,
    flow_blocks,
    loso_uar,
    measure,
    outlines,
    without_head,
)

SIDE = 32
FEW = ("s01", "s09", "s11", "s15")
AFFINE = st.lists(st.floats(-2, 2), min_size=6, max_size=6)


def affine(parameters) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    design = np.stack([np.ones_like(x), x, y])
    return np.tensordot(np.reshape(parameters, (2, 3)), design, 1)


@given(AFFINE)
def test_no_movement_of_the_whole_head_is_left(parameters):
    assert np.abs(without_head(affine(parameters))).max() < 1e-6


@given(AFFINE)
def test_an_expression_beside_the_movement_of_the_head_stays(parameters):
    expression = np.zeros((2, SIDE, SIDE))
    expression[:, 20:26, 8:16] = 0.7  # a twentieth of the face
    left = without_head(expression + affine(parameters))
    assert np.abs(left - expression).max() < 0.1


def test_blocks_are_means():
    pictures = np.arange(2 * 16 * 16, dtype=float).reshape(2, 16, 16)
    cut = blocks(pictures, 4)
    assert cut.shape == (2, 16)
    assert cut[1, 0] == pictures[1, :4, :4].mean()
    assert cut[0, -1] == pictures[0, 12:, 12:].mean()
    assert flow_blocks(np.zeros((5, 2, 16, 16))).shape == (5, 128)


def test_leaving_one_subject_out_finds_what_all_share_and_nothing_of_one_alone():
    draw = np.random.default_rng(0)
    labels, subjects = np.tile([0, 1, 2], 20), np.repeat(np.arange(10), 6)
    shared = np.eye(3)[labels] + draw.normal(0, 0.05, (60, 3))
    assert loso_uar(shared, labels, subjects) == 1
    own = draw.normal(size=(10, 3))[subjects] + draw.normal(0, 0.05, (60, 3))
    assert loso_uar(own, labels, subjects) < 0.5


def test_a_level_is_measured_as_the_page_needs_it(tmp_path, monkeypatch):
    """On few subjects of few pixels: the page's sets take minutes."""
    small = partial(write_surrogate, size=48, subjects=FEW, workers=1)
    monkeypatch.setattr("bench.data.surrogates.writing.write_surrogate", small)
    monkeypatch.setattr("reports.surrogate.measures.SHUFFLES", 2)
    results = list(measure(Level("smic", 0.0), tmp_path, lambda *_: None))
    found = {(result.measure, result.of): result for result in results}
    assert found["uar", "middle_flow"].value > 0.9
    assert found["uar", "onset"].value < 0.45
    assert found["shuffled_uar", "middle_flow"].repeats == 2
    assert {of for name, of in found if name == "uar"} == set(METHODS)

    monkeypatch.setattr(networks, "SUBJECTS", 4)
    monkeypatch.setattr(networks, "TRAINING", TrainConfig(epochs=1))
    level, known = Level("smic", 0.0), {("input_uar", "linear")}
    (linear, network) = networks.input_results(level, tmp_path, lambda *_: None)
    assert linear.value > 0.6 and 0 <= network.value <= 1
    (again,) = networks.input_results(level, tmp_path, lambda *_: None, known)
    assert again == network
    known.add(("input_uar", "network"))
    assert not list(networks.input_results(level, tmp_path, lambda *_: None, known))


class FewViews:
    """Views of 12 clips of 4 people, of which the flows must not be asked for."""

    labels = np.tile([0, 1, 2], 4)
    subjects = np.repeat(["a", "b", "c", "d"], 3)
    onset = np.random.default_rng(0).uniform(0, 255, (12, 32, 32))
    middle = onset + 40 * labels[:, None, None]
    apex = middle
    progress = staticmethod(lambda *_: None)

    @property
    def spotted(self):
        raise AssertionError("a known flow is computed again")

    still = spotted


def test_what_is_known_is_not_measured_again(monkeypatch):
    monkeypatch.setattr("reports.surrogate.measures.SHUFFLES", 2)
    monkeypatch.setattr("reports.surrogate.measures.Views", lambda *_: FewViews())
    words = ("negative", "positive", "surprise")
    known = {("uar", "spotted_flow"), ("uar", "middle_flow"), ("shuffled_uar", "middle_flow")}
    known |= {(name, word) for name in ("flow_peak", "expression_peak") for word in words}
    level = Level("smic", 0.0)
    results = list(measure(level, Path("unused"), FewViews.progress, known))
    kinds = {(result.measure, result.of) for result in results}
    one_frame = {(name, of) for name in ("uar", "shuffled_uar") for of in ("onset", "apex")}
    assert kinds == one_frame | {("uar", "difference")}
    assert not list(measure(level, Path("unused"), FewViews.progress, known | kinds))


def test_outlines_do_not_see_brightness():
    picture = np.random.default_rng(0).uniform(50, 100, (1, 64, 64))
    dark, bright = outlines(picture), outlines(picture + 100)
    assert dark.shape == (1, 1764)
    assert dark == pytest.approx(bright)


class TestTable:
    RESULTS = (Result("uar", "onset", 0.31, 0.0, 1), Result("flow_peak", "negative", 1.2, 0.1, 70))

    def test_what_is_written_is_read(self, tmp_path):
        path = tmp_path / "results" / "surrogate.csv"
        assert table.read(path) == []
        rows = table.rows_of(Level("smic", 0.45), self.RESULTS)
        table.write(rows, path)
        assert table.read(path) == rows
        assert rows[0].git_commit and "numpy" in rows[0].versions
        assert rows[0].level == Level("smic", 0.45)

    def test_rows_of_one_command_have_the_state_it_began_in(self):
        """Writing the first of them changes the checkout."""
        clean = {"git_commit": "abc", "git_dirty": False}
        rows = table.rows_of(Level("smic", 0.45), self.RESULTS, clean)
        assert {(row.git_commit, row.git_dirty) for row in rows} == {("abc", "False")}

    def test_rows_of_another_generator_do_not_count(self, tmp_path, monkeypatch):
        path = tmp_path / "surrogate.csv"
        table.write(table.rows_of(Level("smic", 0.45), self.RESULTS), path)
        monkeypatch.setattr(table, "SURROGATE_VERSION", table.SURROGATE_VERSION + 1)
        assert table.read(path) == []

    def test_another_file_is_named(self, tmp_path):
        (tmp_path / "a.csv").write_text("difficulty,value\nhigh,1\n")
        with pytest.raises(DataError, match=r"a\.csv is no table of surrogate measurements"):
            table.read(tmp_path / "a.csv")
