"""docs/extending.md: every example is installed as it stands on the page, and its commands run."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from tiny_runs import SIZES, only_run

from bench.data.clips import CHALLENGE_CLASSES

PAGE = Path(__file__).parents[3] / "docs" / "extending.md"


def sections() -> dict[str, str]:
    """Heading -> text of each section that has an example."""
    _, *parts = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def block(text: str, language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return found


@pytest.fixture
def example(bench, install_package, tmp_path, monkeypatch):
    """Installs the example of a section and does its commands; returns the last, what it said."""

    def done(heading: str) -> SimpleNamespace:
        text = sections()[heading]
        source = block(text, "python")
        module = re.match(r"# (\w+)\.py\n", source)[1]
        groups = tomllib.loads(block(text, "toml"))["project"]["entry-points"]
        install_package(source, groups, module)
        monkeypatch.chdir(tmp_path)
        for line in block(text, "sh").splitlines():
            program, *arguments = shlex.split(line)
            assert program == "bench"
            sizes = [word for size in SIZES for word in ("--set", size)]
            if arguments[0] == "run":
                arguments += sizes
            outcome = bench(*arguments)
            assert outcome.code == 0, outcome.err
            assert "warning" not in outcome.err
        return SimpleNamespace(outcome=outcome, runs=tmp_path / "runs", command=arguments)

    return done


def scored(found) -> dict:
    return only_run(found.runs).json("metrics.json")


def test_the_page_names_every_door_of_its_table():
    groups = {
        group
        for text in sections().values()
        for group in tomllib.loads(block(text, "toml"))["project"]["entry-points"]
    }
    assert groups == set(re.findall(r"^- `(bench\.\w+)`:", PAGE.read_text(), re.MULTILINE))


def test_a_metric(example):
    found = example("A metric")
    assert isinstance(scored(found)["kappa"], float)
    assert "Kappa" in found.outcome.out


def test_a_variant(example):
    run = only_run(example("A variant").runs)
    assert run.json("run.json")["space"]["name"] == "tiny"
    assert run.json("metrics.json")["clips"] == 10


def test_a_classical_baseline(example):
    run = only_run(example("A classical baseline").runs)
    assert run.json("run.json")["kind"] == "estimator"
    assert run.json("metrics.json")["clips"] == 10


def test_an_operation(bench, example):
    """In this process and in others: one that works, and one that measures peak memory."""
    found = example("An operation")
    run = only_run(found.runs)
    assert set(run.json("search/genotype.json")["operations"]) <= {"planar", "conv_1"}
    assert run.json("profile.json")["macs"] > 0
    folds = run.folds
    for name in ("folds/s06.json", "metrics.json"):
        (run.path / name).unlink()
    assert bench(*found.command, "--jobs", "1").code == 0
    assert run.folds == folds and len(folds) == 3
    figures = json.loads(bench("profile", run.path, "--format", "json", BENCH_PEAKS="on").out)
    assert "peak_reason" not in figures, figures["peak_reason"]
    assert figures["peak_train_mb"] > figures["checkpoint_mb"] > figures["weights_mb"]
    assert figures["peak_train_mb"] > figures["peak_infer_mb"] > 0
    assert figures["peak_batch"] == run.json("run.json")["config"]["train"]["batch"]


def test_a_search_strategy(example):
    found = only_run(example("A search strategy").runs)
    search = found.json("search/genotype.json")
    assert (search["strategy"], search["cost"]["networks"]) == ("best_of_four", 4)
    rows = (found.path / "search/steps.csv").read_text().splitlines()
    assert rows[0] == "accuracy,seconds" and len(rows) == 5


def test_a_data_set(bench, example, tmp_path):
    generator = np.random.default_rng(0)
    for subject in ("ann", "bea", "cem"):
        for number, emotion in enumerate(CHALLENGE_CLASSES):
            folder = tmp_path / "recordings" / subject / emotion / f"clip{number}"
            folder.mkdir(parents=True)
            for frame in range(5):
                pixels = generator.integers(0, 255, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{frame}.png")
    metrics = scored(example("A data set"))
    assert (metrics["clips"], metrics["subjects"]) == (9, 3)
    request = ("run", "--variant", "rnas_mer", "--dataset", "lab")
    assert "no generated clips of lab" in bench(*request, "--surrogate").error
    asked = bench(*request)
    assert (asked.code, "Ask the lab for its folder" in asked.error) == (2, True)
    assert "--surrogate" not in asked.error
    (row,) = json.loads(bench("list", "datasets", "--format", "json").out)[-1:]
    assert row["title"] == "Our lab"


def test_an_executor(example, monkeypatch):
    asked = []
    monkeypatch.setattr("os.nice", asked.append)  # it could not be taken back
    assert scored(example("An executor"))["clips"] == 10
    assert asked == [19]


def test_a_listener(example, tmp_path):
    metrics = scored(example("A listener"))
    lines = (tmp_path / "diary.txt").read_text().splitlines()
    assert sum("rnas_mer: search, epoch" in line for line in lines) == 2
    assert sum("rnas_mer: fold s05, epoch" in line for line in lines) == 2
    assert f"'uf1': {metrics['uf1']}" in lines[-1]


def test_a_command(example):
    assert example("A command").outcome.out == "0\n"
