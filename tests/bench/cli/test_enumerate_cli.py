"""`bench enumerate`: a search, then all paths with its cell, resumed; table, JSON and picture."""

from __future__ import annotations

import json

import pytest

PATHS = 4  # of the variant `short`
FEW = ("--subjects", "s06,s15", "--set", "data.subject_count=0", "--set", "train.epochs=1")
SIZES = ("--set", "data.frames=2", "--set", "search.epochs=1")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("enumeration")
    return folder / "runs", folder / "out"


@pytest.fixture(scope="module")
def ask(bench, places, short):
    runs, out = places

    def command(*arguments, variant=short):
        wanted = (*FEW, *SIZES, "--out", out, *arguments)
        return bench.small(runs, variant, *wanted, command="enumerate")

    return command


@pytest.fixture(scope="module")
def record(ask):
    outcome = ask("--format", "json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_every_path_is_trained_with_the_cell_of_the_search(record, places):
    (genotype,) = places[0].glob("smic-surrogate/*/*/seed0/search/genotype.json")
    searched = json.loads(genotype.read_text())
    assert record["cell"] == {name: searched[name] for name in ("edges", "operations")}
    assert len(record["paths"]) == PATHS
    assert record["decoded"]["path"] == searched["path"]
    assert record["decoded"]["probability"] == pytest.approx(searched["path_probability"])
    assert sum(path["beta"] for path in record["paths"]) == pytest.approx(1)
    assert sum(path["uniform"] for path in record["paths"]) == pytest.approx(1)
    assert set(record["tau"]["uar"]) == {"beta", "uniform", "gain", "params"}
    assert all(-1 <= tau["estimate"] <= 1 for name, tau in record["tau"]["uar"].items())
    assert record["provenance"]["packages"]["torch"]


def test_each_path_is_a_run_that_validates_and_is_marked(bench, record, places):
    outcome = bench("validate", places[0] / "enumeration")
    assert outcome.out == f"{PATHS} of {PATHS} runs complete and clean\n"
    (file,) = places[0].glob("enumeration/*/2-2-2/*/*/*/seed0/metrics.json")
    assert json.loads(file.read_text())["protocol"]["leaks"] == ["genotype given"]


def test_files(record, places):
    names = {f"smic-surrogate-short.{kind}" for kind in ("json", "png", "svg")}
    assert {path.name for path in places[1].iterdir()} == names


def test_a_second_call_only_reads(ask, record, places):
    before = {path: path.stat().st_mtime_ns for path in places[0].rglob("metrics.json")}
    outcome = ask()
    assert outcome.code == 0
    assert {p: p.stat().st_mtime_ns for p in places[0].rglob("metrics.json")} == before
    assert f"{PATHS} paths with one cell, 2 subjects" in outcome.out
    assert 0 <= record["trained"] <= 1 and "trained: " in outcome.out
    assert "uniform β" in outcome.out and "decoded path" in outcome.out


def test_dry_run(ask):
    outcome = ask("--dry-run", variant="rnas_mer")
    assert "a search, then 42 paths of 2 folds each" in outcome.out


@pytest.mark.parametrize(
    "variant, arguments, said",
    [
        ("autodeeplab_3d", (), "more than the 200"),
        ("rnas_mer_3", ("--seed", 0, 1), "one --variant with one --seed"),
        ("ststnet", (), "a fixed network without paths"),
    ],
)
def test_what_has_no_such_paths_is_refused(ask, variant, arguments, said):
    outcome = ask(*arguments, variant=variant)
    assert outcome.code == 2
    assert said in outcome.error
