"""`bench` as a Python package: the same figures as the commands, in frames."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from matplotlib.figure import Figure
from tiny_runs import only_run

import bench as api

PAGE = Path(__file__).parents[3] / "docs" / "api.md"

LONG = ("runs = bench.run(", "model.export(")
"""Lines of the page's example that other tests cover."""

SCRIPT = """
from bench.system.processes import in_processes
print(list(in_processes(abs, [-1, -2], 2)))
"""
"""Without a `__main__` guard: a worker that ran it once more would start workers of its own."""


@pytest.fixture(scope="module")
def answered(kept_runs):
    """The run and its answers."""
    run = only_run(kept_runs)
    return run, api.predictions(run.path)


def test_importing_bench_imports_nothing():
    program = (
        "import sys, bench; dir(bench); "
        "print({name.partition('.')[0] for name in sys.modules} & "
        "{'bench', 'reports', 'rnas', 'click', 'numpy', 'pandas', 'torch'}, "
        "[name for name in sys.modules if name.startswith('bench.')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "{'bench'} []\n", done.stderr


def test_every_public_name_is_there_and_documented():
    assert {*api.__all__} <= {*dir(api)}
    assert all(getattr(api, name).__doc__ for name in api.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = api.nothing


def test_a_script_without_a_guard_has_workers(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, tmp_path / "script.py"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "[1, 2]\n", done.stderr


def test_load_runs_agrees_with_the_tables(bench, kept_runs):
    frame = api.load_runs(kept_runs)
    shown = bench("tables", "--table", "4", "--runs", kept_runs, "--format", "json")
    (row,) = [row for row in json.loads(shown.out)["rows"] if any(row["measured"].values())]
    (run,) = frame.to_dict("records")
    assert row["measured"]["smic_uar"] == pytest.approx(run["uar"])
    assert row["measured"]["smic_uf1"] == pytest.approx(run["uf1"])
    assert {*run["marks"].split("; ")} - {"random control"} <= {*row["marks"]}
    assert run["save.weights"] == "selected" and run["train.epochs"] == 2
    assert run["params"] == only_run(kept_runs).json("profile.json")["params"]


def test_a_run_from_python_is_the_run_of_the_command(bench, kept_runs, monkeypatch):
    """It is finished already, and found where the command left it."""
    for name, value in bench.variables.items():
        monkeypatch.setenv(name, value)
    settings = {
        key: value
        for change in api.load_runs(kept_runs).changed[0].split(", ")
        for key, _, value in [change.partition("=")]
    }
    before = only_run(kept_runs).times
    found = api.run("random_rnas_mer", "smic", surrogate=True, settings=settings, runs=kept_runs)
    assert found.folder.tolist() == [str(only_run(kept_runs).path)]
    assert only_run(kept_runs).times == before


def test_scores_of_predictions_are_the_runs_own(answered):
    run, frame = answered
    report, metrics = api.score(frame, draws=50), run.json("metrics.json")
    assert [report[name] for name in ("uar", "uf1", "acc")] == pytest.approx(
        [metrics[name] for name in ("uar", "uf1", "acc")]
    )
    logits = frame[[f"logit {name}" for name in metrics["classes"]]].to_numpy()
    assert [metrics["classes"][label] for label in logits.argmax(1)] == frame.pred.tolist()
    with pytest.raises(Exception, match="'happy' is none of"):
        api.score(frame.assign(pred="happy"))


def test_the_audit_of_own_scores():
    assert set(api.audit().verdict) <= {"consistent", "inconsistent", "attainable", "unattainable"}
    verdicts = api.audit("composite", acc=".9029", uar=".8511", uf1=".8302").verdict
    assert verdicts.iloc[-1] == "unattainable"
    with pytest.raises(Exception, match="counts"):
        api.audit(acc=0.9)


@pytest.mark.parametrize("name", ["confusion", "losses", "subjects"])
def test_plots_of_a_run_draw_on_the_axes_given(answered, name):
    run, _ = answered
    axes = Figure(figsize=(3, 2)).add_subplot()
    draw = getattr(api.plots, name)
    assert draw(run.path, ax=axes, style="paper") is axes
    assert axes.has_data() and not axes.get_title() and not axes.figure.get_suptitle()


def test_a_style_is_a_width_and_a_size_of_text(answered):
    paper, screen = (api.plots.losses(answered[0].path, style=s) for s in ("paper", "screen"))
    sizes = [(axes.figure.get_figwidth(), axes.xaxis.label.get_size()) for axes in (paper, screen)]
    assert np.all(np.diff(sizes, axis=0) > 0)
    with pytest.raises(Exception, match="Did you mean 'paper'"):
        api.plots.losses(answered[0].path, style="papr")


def test_variants_are_listed():
    assert {"rnas_mer", "ststnet", "lbp_top"} <= {*api.variants().name}


def test_the_example_of_the_page_runs(bench, kept_runs, tmp_path, monkeypatch):
    for name, value in bench.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(kept_runs, "runs")
    with av.open("clip.mp4", "w") as video:
        stream = video.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        for frame in np.random.default_rng(0).integers(0, 255, (30, 32, 32, 3), dtype=np.uint8):
            video.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        video.mux(stream.encode())
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for line in example.splitlines() if not line.startswith(LONG)]
    assert len(lines) > 8
    exec("\n".join(lines), names := {})
    assert names["model"].classes == ("negative", "positive", "surprise")
