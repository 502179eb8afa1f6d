"""A score does not pass for that of code which has been edited since."""

import json
from dataclasses import replace

import numpy as np
import pytest
from own_packages import installing
from tiny_runs import only_run

from bench.errors import BenchError
from bench.models.file import read_model, write_model
from bench.models.model import load_model
from bench.system.packages import forget

SOURCE = """
from baselines.classical.baseline import ClassicalBaseline, ClipInput


def motion(clip):
    return abs(clip.astype(float) - clip[0]).mean((0, 3)).reshape(-1)


def nearest(features, labels, people):
    from sklearn.neighbors import NearestCentroid

    return NearestCentroid().fit(features, labels)


NEAREST = ClassicalBaseline("nearest_mean", "the nearest mean", ClipInput(), motion, nearest)
"""

METRIC = """
from bench.protocol.metrics import Metric

HALF = Metric("half", "Half", lambda matrices: matrices.sum((-2, -1)) * 0 + 0.5)
"""


@pytest.fixture
def folder(tmp_path):
    """Where a baseline and a metric are installed."""
    with installing(tmp_path) as put:
        put(SOURCE, {"bench.variants": {"nearest_mean": "my_nearest:NEAREST"}}, "my_nearest")
        put(METRIC, {"bench.metrics": {"half": "my_half:HALF"}}, "my_half")
        yield tmp_path


def edit(folder, module):
    with (folder / f"{module}.py").open("a") as file:
        file.write("# edited\n")
    forget()


def test_edited_code_is_refused_and_marked(bench, folder):
    runs = folder / "runs"

    def run(*more):
        return bench.small(runs, "nearest_mean", *more)

    assert run().code == 0
    code = only_run(runs).json("run.json")["provenance"]["code"]
    assert sorted(code) == ["metric half", "variant nearest_mean"]
    assert "nothing left to do" in run().err

    edit(folder, "my_nearest")
    assert "other code of variant nearest_mean: restore" in run().error
    assert "code changed" in bench("tables", "--runs", runs, "--table", "2").out
    assert run("--force").code == 0

    edit(folder, "my_half")
    assert "code changed" in bench("tables", "--runs", runs, "--table", "2").out
    before = only_run(runs).times
    assert run().code == 0
    after = only_run(runs).times
    assert after["metrics.json"] > before["metrics.json"]
    assert all(after[file] == before[file] for file in before if file.startswith("folds/"))
    assert "nothing left to do" in run().err
    assert bench("validate", runs).code == 0
    assert "code changed" not in bench("tables", "--runs", runs, "--table", "2").out


LATE = """
FITS = []


def remembering(features, labels, people):
    FITS.append(features.mean())
    found = nearest(features, labels, people)
    if len(set(FITS)) > 3:  # of the first fold, of all clips, of two folds more
        found.centroids_[:, 0] += 1e6 * len(FITS) * found.classes_
    return found


NEAREST = ClassicalBaseline("nearest_mean", "the nearest mean", ClipInput(), motion, remembering)
"""


def test_a_baseline_that_remembers_earlier_folds_is_refused(bench, tmp_path):
    with installing(tmp_path) as put:
        put(SOURCE + LATE, {"bench.variants": {"nearest_mean": "late:NEAREST"}}, "late")
        outcome = bench.small(tmp_path / "runs", "nearest_mean", "--jobs", 1)
        again = bench.small(tmp_path / "runs", "nearest_mean", "--jobs", 1)
    assert outcome.code == 1 and "answers otherwise in another process: choose" in outcome.err
    assert "Folds that passed are suspect, too" in outcome.err
    assert len(list(only_run(tmp_path / "runs").path.glob("folds/*.json"))) == 2
    assert again.code == 1 and "was refused" in again.error and "--force" in again.error


KEPT = """
BEST = {}


def chosen(features, labels, people):
    from sklearn.svm import SVC

    if "found" not in BEST:
        BEST["found"] = CHOICE
    return KEEPING


NEAREST = ClassicalBaseline("nearest_mean", "the nearest mean", ClipInput(), motion, chosen)
"""


@pytest.mark.parametrize(
    ("choice", "keeping"),
    [
        (
            "SVC(C=1e6).fit(features[::2], labels[::2]).score(features[1::2], labels[1::2])",
            "SVC(C=BEST['found'] + 0.01).fit(features, labels)",
        ),
        ("features.mean(0)", "SVC().fit(features / BEST['found'].mean(), labels)"),
    ],
)
def test_a_baseline_that_keeps_what_it_chose_first_is_refused(bench, tmp_path, choice, keeping):
    source = SOURCE + KEPT.replace("CHOICE", choice).replace("KEEPING", keeping)
    with installing(tmp_path) as put:
        put(source, {"bench.variants": {"nearest_mean": "kept:NEAREST"}}, "kept")
        outcome = bench.small(tmp_path / "runs", "nearest_mean", "--jobs", 1)
    assert outcome.code == 1 and "which fits to other labels first: choose" in outcome.err
    assert not list(only_run(tmp_path / "runs").path.glob("folds/*.json"))


OTHERWISE = """

class Otherwise:
    def __init__(self, fitted):
        self.fitted, self.classes_ = fitted, fitted.classes_

    def decision_function(self, features):
        return self.fitted.decision_function(features)

    def predict(self, features):
        return [9] * len(features)


def otherwise(features, labels, people):
    return Otherwise(nearest(features, labels, people))


NEAREST = ClassicalBaseline("nearest_mean", "the nearest mean", ClipInput(), motion, otherwise)
"""


def test_a_predict_that_differs_from_the_scores_is_told_beside_the_result(bench, tmp_path):
    runs = tmp_path / "runs"
    with installing(tmp_path) as put:
        put(SOURCE + OTHERWISE, {"bench.variants": {"nearest_mean": "other:NEAREST"}}, "other")
        outcome = bench.small(runs, "nearest_mean")
        clips = only_run(runs).json("metrics.json")["clips"]
        assert outcome.code == 0, outcome.err
        assert f"its own predict differs on {clips} clips: the scores decide" in outcome.out
        table = bench("tables", "--runs", runs, "--table", "2").out
        assert f"predict differs: {clips} of {clips} clips" in table
        assert bench("validate", runs).code == 0


def test_so_are_classes_that_share_the_largest_score(bench, tmp_path):
    runs, export = tmp_path / "runs", tmp_path / "export.json"
    source = OTHERWISE.replace("(features)", "(features).clip(0)", 1)
    source = source.replace("[9]", "self.classes_[:1].tolist()")
    with installing(tmp_path) as put:
        put(SOURCE + source, {"bench.variants": {"nearest_mean": "ties:NEAREST"}}, "ties")
        outcome = bench.small(runs, "nearest_mean")
        run = only_run(runs)
        tied, clips = (run.json("metrics.json")[key] for key in ("tied", "clips"))
        assert outcome.code == 0 and tied > 1, outcome.err
        assert f"several classes have the largest score of {tied} clips: the first" in outcome.out
        assert bench("export", run.path, "--format", "json", "--out", export).code == 0
        assert f"equally probable in {tied} answer(s); the first" in bench("score", run.path).err
        assert f"equal scores: {tied} of {clips} clips" in bench("score", export).out
        assert bench("validate", runs).code == 0


NETWORK = """
from torch import nn

from baselines.fixed import FixedNetwork

class Net(nn.Sequential):
    def __init__(self, classes):
        super().__init__(nn.AdaptiveAvgPool3d(2), nn.ReLU(), nn.Flatten(), nn.Linear(24, classes))

METHOD = FixedNetwork("edited", "my own", "own_code:Net", "clip", None)
"""

OPERATION = """
from torch import nn

from rnas import SearchSpace
from rnas.operations import Operation
from rnas.trellis import Trellis


class Planar(nn.Sequential):
    def __init__(self, channels, norm):
        body = nn.Conv3d(channels, channels, (1, 3, 3), padding=(0, 1, 1), bias=False)
        super().__init__(nn.ReLU(), body, norm(channels))


METHOD = SearchSpace(
    name="edited", summary="", operations=("planar", "skip"), nodes=2,
    outer=Trellis(3, (2, 4), ("stay", "shrink")),
)
PLANAR = Operation(Planar, lambda channels: 9 * channels**2 + 2 * channels)
"""


@pytest.mark.parametrize(
    ("source", "groups", "variant", "changed"),
    [
        (NETWORK, {}, "edited", "variant edited"),
        (OPERATION, {"bench.operations": {"planar": "own_code:PLANAR"}}, "random_edited", "planar"),
    ],
)
def test_weights_do_not_answer_by_edited_code(bench, tmp_path, source, groups, variant, changed):
    """Nor is a network fitted by it, or a run begun with them."""
    runs, file, clip = tmp_path / "runs", tmp_path / "m.safetensors", tmp_path / "c.npy"
    np.save(clip, np.random.default_rng(0).integers(0, 255, (6, 16, 16), np.uint8))
    with installing(tmp_path) as put:
        put(source, {"bench.variants": {"edited": "own_code:METHOD"}, **groups}, "own_code")
        assert bench.small(runs, variant, command="search" if groups else "run").code == 0
        fit = ("fit", only_run(runs).path, "--out", file)
        assert bench(*fit).code == 0
        assert bench("predict", file, clip).code == 0
        record, weights = read_model(file)
        assert record.run.provenance.code == only_run(runs).json("run.json")["provenance"]["code"]

        (tmp_path / "own_code.py").write_text(source.replace("nn.ReLU", "nn.Hardswish"))
        forget()
        for command in (
            ("predict", file, clip),
            ("export", file),
            ("transfer", "--train", file, "--test", "smic", "--data-root", tmp_path),
            fit,
        ):
            outcome = bench(*command)
            assert outcome.code == 1 and "other code of" in outcome.error
            assert changed in outcome.error and not outcome.out
        with pytest.raises(BenchError, match="other code of"):
            load_model(file)
        started = ("--set", f"train.pretrained={file}", "--runs", tmp_path / "started")
        assert f"train.pretrained={file} was made by" in bench.small(runs, variant, *started).error

        unknown = replace(record.run, provenance=replace(record.run.provenance, code=None))
        write_model(file, replace(record, run=unknown), weights)  # of an earlier version
        assert bench("predict", file, clip).code == 0


def test_runs_that_recorded_no_code_are_not_judged(bench, folder):
    """Those of earlier versions."""
    from bench.runs.code import changed_code
    from bench.runs.folder import RunFolder
    from bench.runs.record import read_run_file

    assert bench.small(folder / "runs", "nearest_mean").code == 0
    run = only_run(folder / "runs")
    content = run.json("run.json")
    del content["provenance"]["code"]
    (run.path / "run.json").write_text(json.dumps(content))
    edit(folder, "my_nearest")
    assert changed_code(read_run_file(RunFolder(run.path))) == ()
