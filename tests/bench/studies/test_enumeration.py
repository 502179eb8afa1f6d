"""Ground truth of a trellis: its trials, β read back, and what is said of known scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from ablations import RNAS_MER, RNAS_MER_3
from baselines import AUTODEEPLAB_3D, AUTOMER_3D
from bench.config.loading import load_config
from bench.data.clips import Clip, ClipSet
from bench.data.sources import Source
from bench.engine.request import Request
from bench.errors import BenchError, DataError, UsageError
from bench.runs.folder import RunFolder
from bench.studies.enumeration import (
    check_paths,
    kendall,
    measure,
    random_cell,
    read_searches,
    shared_cell,
    trials,
)
from bench.studies.trials import written
from bench.system.files import write_json
from rnas.trellis import OPEN

SPACE = RNAS_MER
CLIPS = tuple(
    Clip("smic", subject, f"{subject}{place}", place % 3, (), None, "", 100.0)
    for subject in "abcd"
    for place in range(21)
)
CLIP_SET = ClipSet("smic", ("negative", "positive", "surprise"), CLIPS)
RIGHT = {path: place for place, path in enumerate(OPEN.paths())}
"""Path -> of the 84 clips, how many times two are right: all paths differ."""

RUN = {
    "variant": "rnas_mer",
    "dataset": "smic",
    "surrogate": True,
    "preset": "smoke",
    "config_hash": "aaaa1111",
    "seed": 0,
}
"""What every run.json says."""


@pytest.fixture
def planned(tmp_path):
    request = Request(
        variants=("rnas_mer",),
        source=Source("smic", None, True, Path("cache")),
        preset="smoke",
        config=load_config("smoke"),
        seeds=(0,),
        runs=tmp_path,
        device="cpu",
    )
    return trials(request, random_cell(SPACE, 0), SPACE, CLIP_SET)


def write_runs(planned, right):
    """Finished runs: of every subject the first right[path] / 4 clips or so are right."""
    for trial in planned:
        folder, hits = trial.job.folder, right[trial.genotype.path]
        data = {"classes": CLIP_SET.classes}
        write_json(folder.run, {**RUN, "folds": list("abcd"), "data": data})
        for subject in "abcd":
            own = [clip for clip in CLIPS if clip.subject == subject]
            clips = [
                {
                    "dataset": "smic",
                    "clip": clip.name,
                    "true": clip.label,
                    "pred": (clip.label + (place * 4 + "abcd".index(subject) >= 2 * hits)) % 3,
                }
                for place, clip in enumerate(own)
            ]
            write_json(folder.fold(subject), {"subject": subject, "clips": clips})
        write_json(folder.metrics, {})


class TestTrials:
    def test_one_run_per_path_with_one_cell(self, planned):
        assert len(planned) == 42
        assert {trial.genotype.path for trial in planned} == set(OPEN.paths())
        assert len({(t.genotype.edges, t.genotype.operations) for t in planned}) == 1
        assert len({trial.job.folder for trial in planned}) == 42
        assert all(file.exists() for file in written(planned).values())

    def test_no_run_of_theirs_is_listed_among_the_others(self, planned, tmp_path):
        from bench.runs.record import find_runs

        write_runs(planned, RIGHT)
        assert find_runs(tmp_path) == ([], [])

    def test_a_trellis_of_thousands_of_paths_is_refused(self):
        check_paths(RNAS_MER_3)
        check_paths(AUTOMER_3D)
        with pytest.raises(UsageError, match="more than the 200"):
            check_paths(AUTODEEPLAB_3D)


class TestSearches:
    @pytest.fixture
    def folder(self, tmp_path):
        """A run whose two folds were searched, with β of their own."""
        folder = RunFolder(tmp_path / "run")
        write_json(
            folder.run,
            {**RUN, "folds": ["a", "b"], "config": {"protocol": {"search_scope": "fold"}}},
        )
        for fold, probability in (("a", 0.25), ("b", 0.75)):
            beta = [
                {
                    "layer": arrow.target.layer,
                    "from": OPEN.factors[arrow.source.level],
                    "to": OPEN.factors[arrow.target.level],
                    "probability": probability,
                }
                for arrow in OPEN.arrows
            ]
            genotype = random_cell(SPACE, fold == "b")
            write_json(folder.genotype(fold), {**genotype.to_dict(), "beta": beta})
        return folder

    def test_beta_is_the_mean_of_the_folds(self, folder):
        genotypes, beta = read_searches(folder, SPACE)
        assert len(genotypes) == 2
        assert set(beta) == set(OPEN.arrows)
        assert set(beta.values()) == {0.5}

    def test_cells_that_differ_cannot_be_shared(self, folder):
        genotypes, _ = read_searches(folder, SPACE)
        with pytest.raises(UsageError, match="--cell random"):
            shared_cell(genotypes)
        assert shared_cell(genotypes[:1]) == genotypes[0]

    def test_of_another_trellis(self, folder):
        with pytest.raises(DataError, match="another trellis"):
            read_searches(folder, AUTOMER_3D)

    def test_of_a_genotype_that_was_drawn(self, folder):
        write_json(folder.genotype("b"), random_cell(SPACE, 0).to_dict())
        with pytest.raises(DataError, match=r"b/genotype.json holds no β"):
            read_searches(folder, SPACE)

    def test_not_searched_yet(self, folder):
        folder.genotype("b").unlink()
        with pytest.raises(BenchError, match="missing"):
            read_searches(folder, SPACE)


class TestMeasure:
    def test_scores_in_the_order_of_uniform_beta(self, planned):
        """Paths that uniform β finds more probable score better."""
        uniform = OPEN.uniform()
        order = sorted(RIGHT, key=lambda path: OPEN.probability(path, uniform))
        write_runs(planned, {path: place for place, path in enumerate(order)})
        record = measure(planned, SPACE, None)
        assert "beta" not in record["tau"]["uar"]
        tau = record["tau"]["uar"]["uniform"]["estimate"]
        probabilities = [OPEN.probability(path, uniform) for path in order]
        assert tau == pytest.approx(kendall(probabilities, range(42)))
        assert tau == pytest.approx(record["ceiling"]["uniform"])
        assert 0.6 < tau < 0.7  # its ties leave it no more
        assert record["uniform"]["rank"]["uar"] == 1
        assert record["decoded"] is None
        assert record["subjects"] == 4

    def test_gain_is_tau_of_beta_less_that_of_uniform(self, planned):
        write_runs(planned, RIGHT)
        beta = {a: p + 0.01 * a.source.level for a, p in OPEN.uniform().items()}
        taus = measure(planned, SPACE, beta)["tau"]["uf1"]
        apart = taus["beta"]["estimate"] - taus["uniform"]["estimate"]
        assert taus["gain"]["estimate"] == pytest.approx(apart)
        for tau in taus.values():
            assert tau["low"] <= tau["high"]

    def test_uniform_beta_gains_nothing(self, planned):
        write_runs(planned, RIGHT)
        record = measure(planned, SPACE, OPEN.uniform())
        gain = record["tau"]["uar"]["gain"]
        assert (gain["estimate"], gain["low"], gain["high"]) == (0, 0, 0)
        assert record["decoded"]["path"] == record["uniform"]["path"] == [4, 8, 16, 16, 16, 16]

    def test_an_unfinished_path_is_named(self, planned):
        write_runs(planned, RIGHT)
        planned[7].job.folder.metrics.unlink()
        with pytest.raises(BenchError, match="is not finished"):
            measure(planned, SPACE, None)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20, unique=True))
def test_kendall(values):
    assert kendall(values, values) == pytest.approx(1)
    assert kendall(values, [-value for value in values]) == pytest.approx(-1)
    assert kendall(values, [1.0] * len(values)) == 0


def test_kendall_of_many_scores_is_that_of_scipy():
    draw = np.random.default_rng(0)
    values, scores = draw.integers(0, 20, 42), draw.integers(0, 30, (50, 42))
    assert list(kendall(values, scores)) == [kendalltau(values, row).statistic for row in scores]
