"""The leak study: which runs it asks for, and what it says of known answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config.loading import load_config
from bench.data.clips import Clip, ClipSet
from bench.data.sources import Source
from bench.engine.request import Request
from bench.runs.folds import read_fold
from bench.runs.results import run_metrics
from bench.studies.leakage import Cell, inside, mean_record, measure, studies
from bench.system.files import write_json

CLASSES = ("negative", "positive", "surprise")
SUBJECTS = ("a", "b", "c", "d")
RULES = ("last", "inner_val", "oracle")
CLIPS = tuple(
    Clip("smic", subject, f"{subject}{place}", place % 3, (), None, "", 100.0)
    for subject in SUBJECTS
    for place in range(6)
)
CLIP_SET = ClipSet("smic", CLASSES, CLIPS)


def request(runs, *variants, seeds=(0,), overrides=()):
    return Request(
        variants=variants,
        source=Source("smic", None, True, Path("cache")),
        preset="smoke",
        config=load_config("smoke", overrides),
        seeds=seeds,
        runs=runs,
        device="cpu",
    )


def write_run(job, wrong):
    """A finished run whose first `wrong[rule]` clips of every subject are taken for another."""
    folds = []
    for subject in SUBJECTS:
        own = [clip for clip in CLIPS if clip.subject == subject]
        clips = [
            {
                "dataset": "smic",
                "clip": clip.name,
                "true": clip.label,
                "pred": (clip.label + (place < wrong["last"])) % 3,
                "selected": {r: (clip.label + (place < wrong[r])) % 3 for r in RULES},
            }
            for place, clip in enumerate(own)
        ]
        write_json(job.folder.fold(subject), {"subject": subject, "clips": clips})
        folds.append(read_fold(job.folder.fold(subject)))
    of = {"dataset": "smic", "surrogate": True, "preset": "smoke"}
    write_json(job.folder.run, {**of, **job.stamp, "folds": SUBJECTS, "data": {"classes": CLASSES}})
    write_json(job.folder.metrics, run_metrics(folds, CLASSES, ("smic",), RULES))


class TestPlan:
    def test_a_search_has_both_scopes_and_a_run_per_permutation(self, tmp_path):
        (study,) = studies(request(tmp_path, "rnas_mer", seeds=(5, 6)), 20, CLIP_SET)
        assert study.clean == Cell("fold", "last")
        assert [(cell.scope, cell.rule) for cell in study.cells] == [
            (scope, rule) for scope in ("fold", "all") for rule in RULES
        ]
        assert {cell: cell.leaks for cell in study.cells if cell.leaks} == {
            Cell("fold", "oracle"): ("selection=oracle",),
            Cell("all", "last"): ("search_scope=all",),
            Cell("all", "inner_val"): ("search_scope=all",),
            Cell("all", "oracle"): ("search_scope=all", "selection=oracle"),
        }
        for scope in ("fold", "all"):
            assert [job.seed for job in study.true[scope]] == [5, 6]
            assert [job.seed for job in study.shuffled[scope]] == list(range(20))
            for job in (*study.true[scope], *study.shuffled[scope]):
                assert job.config.protocol.search_scope == scope
                assert job.config.protocol.selection == "last"
                assert job.config.protocol.rules == "last,inner_val,oracle"
            assert not any(job.config.data.shuffle_labels for job in study.true[scope])
            assert all(job.config.data.shuffle_labels for job in study.shuffled[scope])
        assert len({job.folder for job in study.jobs}) == len(study.jobs) == 2 * (2 + 20)

    def test_whole_permutations_come_before_the_next(self, tmp_path):
        (study,) = studies(request(tmp_path, "rnas_mer"), 20, CLIP_SET)
        order = [(job.seed, job.config.protocol.search_scope) for job in study.jobs[2:]]
        assert order == [(seed, scope) for seed in range(20) for scope in ("fold", "all")]

    def test_without_a_search_only_the_selection_leaks(self, tmp_path):
        (study,) = studies(request(tmp_path, "random_rnas_mer"), 20, CLIP_SET)
        assert study.scopes == ("none",)
        assert study.clean == Cell("none", "last")
        assert len(study.jobs) == 21

    def test_the_requests_own_protocol_gives_way(self, tmp_path):
        odd = ("protocol.selection=oracle", "data.shuffle_labels=true", "search_scope=fold")
        plain = studies(request(tmp_path, "rnas_mer"), 20, CLIP_SET)
        assert studies(request(tmp_path, "rnas_mer", overrides=odd), 20, CLIP_SET) == plain


class TestMeasure:
    @pytest.fixture
    def study(self, tmp_path):
        """True labels: the oracle has all right. Permutation k: k mod 3 more wrong for last."""
        (study,) = studies(request(tmp_path, "rnas_mer"), 20, CLIP_SET)
        for scope, jobs in study.true.items():
            for job in jobs:
                write_run(job, {"last": 3 - (scope == "all"), "inner_val": 3, "oracle": 0})
        for jobs in study.shuffled.values():
            for job in jobs:
                more = job.seed % 3
                write_run(job, {"last": 3 + more, "inner_val": 3 + more, "oracle": more})
        return study

    def cell(self, record, scope, rule):
        wanted = {"search_scope": scope, "selection": rule}
        return next(cell for cell in record["cells"] if wanted.items() <= cell.items())

    def test_cells(self, study):
        record = measure(study)
        assert (record["permutations"], record["subjects"], record["seeds"]) == (20, 4, [0])
        clean, oracle = (self.cell(record, "fold", rule) for rule in ("last", "oracle"))
        assert (clean["leaky"], oracle["leaks"]) == (False, ["selection=oracle"])
        assert clean["uar"]["true"]["estimate"] == pytest.approx(0.5)
        assert oracle["uar"]["true"]["estimate"] == 1
        expected = np.array([(3 - seed % 3) / 6 for seed in range(20)])
        shuffled = clean["uar"]["shuffled"]
        assert shuffled["values"] == pytest.approx(expected)
        assert shuffled["mean"] == pytest.approx(expected.mean())
        assert shuffled["low"] < shuffled["mean"] < shuffled["high"]
        assert shuffled["band_low"] == pytest.approx(1 / 6)
        assert shuffled["band_high"] == pytest.approx(1 / 2)
        assert shuffled["inside"] == 1
        assert oracle["uar"]["shuffled"]["inside"] == 0
        assert clean["uar"]["p"] == pytest.approx((1 + 7) / 21)  # seeds 0, 3, ... reach 1/2

    def test_inflation_is_paired(self, study):
        found = {
            (entry["of"]["search_scope"], entry["of"]["selection"], entry["same_weights"]): entry
            for entry in measure(study)["inflation"]
        }
        oracle = found["fold", "oracle", True]["uar"]
        assert oracle["true"]["estimate"] == pytest.approx(0.5)
        assert oracle["shuffled"]["mean"] == pytest.approx(0.5)
        assert (oracle["shuffled"]["low"], oracle["shuffled"]["high"]) == pytest.approx((0.5, 0.5))
        scope = found["all", "last", False]["uar"]
        assert scope["true"]["estimate"] == pytest.approx(1 / 6)
        assert scope["shuffled"]["mean"] == 0
        assert len(found) == 7

    def test_reads_the_permutations_that_are_finished(self, study):
        for seed in (4, 11):
            study.shuffled["all"][seed].folder.metrics.unlink()
        record = measure(study)
        assert record["permutations"] == 18
        assert len(self.cell(record, "fold", "last")["uar"]["shuffled"]["values"]) == 18
        assert len(record["runs"]) == 40

    def test_without_any_permutation(self, study):
        for jobs in study.shuffled.values():
            for job in jobs:
                job.folder.metrics.unlink()
        score = self.cell(measure(study), "fold", "last")["uar"]
        assert score["shuffled"]["mean"] is score["shuffled"]["inside"] is None
        assert score["p"] == 1

    def test_seeds_are_averaged(self, tmp_path):
        (study,) = studies(request(tmp_path, "random_rnas_mer", seeds=(0, 1)), 20, CLIP_SET)
        for job in study.true["none"]:
            write_run(job, {"last": 3 * job.seed, "inner_val": 0, "oracle": 0})
        score = self.cell(measure(replace(study)), "none", "last")["uar"]
        assert score["true"]["estimate"] == pytest.approx(0.75)


values = st.lists(st.floats(0, 1), min_size=3, max_size=30).map(np.array)


class TestPermutations:
    @given(values)
    def test_the_mean_lies_in_its_interval(self, found):
        record = mean_record(found)
        assert record["low"] - 1e-9 <= record["mean"] <= record["high"] + 1e-9

    @given(values)
    def test_what_is_above_all_is_outside(self, found):
        assert inside(found + 2, found) == 0

    def test_about_nine_in_ten_of_twenty_alike_are_inside(self):
        generator = np.random.default_rng(0)
        shares = [inside(draw, draw) for draw in generator.normal(size=(200, 20))]
        assert np.mean(shares) == pytest.approx(18 / 20)
