"""The run folders that are committed are whole, and the tables of README and docs are theirs."""

from __future__ import annotations

import json
import runpy
import shutil
from math import log
from pathlib import Path
from statistics import mean

import pytest

from bench.methods.variants import RANDOM_PREFIX
from reports.docs.archive import pack, unpack
from reports.docs.leaderboard import leaderboard_table, write_leaderboard
from reports.reading.finished import sound_runs
from reports.reading.searches import agreement_of, read_searches

ROOT = Path(__file__).resolve().parents[3]

MEASURES = (
    *("skip_share", "none_mass", "entropy_alpha", "entropy_eta", "entropy_beta"),
    "loss_b",
)
"""Columns of the table of searching.md."""

ARCHIVES = sorted((ROOT / "results/runs").glob("*.tar.xz"))


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda archive: archive.name.partition(".")[0])
def test_the_leaderboard_is_that_of_the_runs(archive, tmp_path):
    runs = unpack(archive, tmp_path / "runs")
    assert sound_runs(runs)[1] == []
    made = tmp_path / "made.csv"
    write_leaderboard(runs, made)
    kept = ROOT / "results" / f"leaderboard-{archive.name.partition('.')[0]}.csv"
    assert made.read_text() == kept.read_text()
    pages = [ROOT / "README.md", ROOT / "docs/results.md"]
    assert any(leaderboard_table(kept) in page.read_text() for page in pages)


@pytest.fixture(scope="module")
def nas(tmp_path_factory):
    """The runs of the searched variants."""
    return unpack(ROOT / "results/runs/nas-smic-surrogate.tar.xz", tmp_path_factory.mktemp("nas"))


def test_the_page_of_training_says_how_many_folds_are_trained(nas):
    page = " ".join((ROOT / "docs/training.md").read_text().split())

    def last_losses(variants):
        files = nas.glob(f"*/{variants}/*/seed*/folds/*.json")
        return sorted(json.loads(file.read_text())["losses"][-1] for file in files)

    def trained(losses):
        return f"{sum(loss < 0.7 * log(3) for loss in losses)} of {len(losses)}"

    deeplab, automer = last_losses("autodeeplab_3d"), last_losses("automer_3d")
    span = "{:.2f} to {:.2f}"
    deep, auto = (span.format(each[0], each[-1]) for each in (deeplab, automer))
    assert f"{trained(deeplab)} folds of Auto-DeepLab (three searches, last losses {deep})" in page
    assert f"{trained(automer)} of AutoMER ({auto}) are trained" in page
    assert f"beside {trained(last_losses('rnas_mer*'))} of RNAS-MER and its ablations" in page


def test_the_page_of_searching_says_what_the_searches_had_come_to(nas):
    page = (ROOT / "docs/searching.md").read_text()
    found = read_searches(sound_runs(nas)[0]).searched
    searched = [each for each in found if not each.record.variant.startswith(RANDOM_PREFIX)]
    pairs, alike = 0, 0.0
    for variant in {each.record.variant for each in searched}:
        own = [each for each in searched if each.record.variant == variant]
        cells = []
        for key in MEASURES:
            found = [search[key] for each in own for search in each.searches]
            cells.append("–" if None in found else f"{mean(found):.2f}")
        agreed = agreement_of(own)
        cells.append(f"{agreed['cell_seeds']:.2f}, {agreed['cell_chance']:.2f}")
        assert f"| `{variant}` | {' | '.join(cells)} |" in page
        of_seeds = len(own) * (len(own) - 1) // 2
        pairs, alike = pairs + of_seeds, alike + agreed["path_seeds"] * of_seeds
    words = ("none", "one", "two", "three")
    assert f"Of {pairs} pairs of seeds {words[round(alike)]} decode the" in page


def test_results_are_packed_and_states_are_not(tmp_path):
    runs = tmp_path / "own"
    sealed = ("run.json", "models/s01.safetensors", "own/notes.txt")
    kept = (*sealed, "search/history.csv", "checksums.json")
    left = (".lease", "search/checkpoint.pt", "a.json~", "models/other.safetensors")
    for name in (*kept, *left):
        (runs / "seed0" / name).parent.mkdir(parents=True, exist_ok=True)
        (runs / "seed0" / name).write_text(name)
    seals = {"units": {"fold s01": dict.fromkeys(sealed, "a sum")}}
    (runs / "seed0" / "checksums.json").write_text(json.dumps(seals))
    pack(runs, tmp_path / "runs.tar.xz")
    found = unpack(tmp_path / "runs.tar.xz", tmp_path / "elsewhere")
    assert found.name == "own"
    there = {file.relative_to(found / "seed0").as_posix() for file in found.rglob("*.*")}
    assert there == set(kept)


@pytest.fixture
def script(monkeypatch, capsys):
    """`python -m reports.docs.NAME PATH...`: its exit code, and what it says on stderr."""

    def call(name, *paths):
        monkeypatch.setattr("sys.argv", [f"{name}.py", *map(str, paths)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(f"reports.docs.{name}", run_name="__main__")
        return ended.value.code, capsys.readouterr().err

    return call


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("name", ["archive", "leaderboard", "results"])
def test_a_script_says_how_it_is_called_and_where_no_run_is(script, tmp_path, name):
    for few in ((), (tmp_path,)):
        code, said = script(name, *few)
        assert code == 2
        assert said.startswith(f"error: usage: python -m reports.docs.{name} RUNS ")
    if name != "results":
        code, said = script(name, tmp_path / "none", tmp_path / "out")
        assert code == 2 and "run in" in said and not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("name", ["archive", "leaderboard"])
@pytest.mark.parametrize("file", ["metrics.json", "folds/fresh.json", ""])
def test_no_edited_or_linked_run_is_left_out(script, tmp_path, name, file):
    runs = unpack(ROOT / "results/runs/smic-surrogate.tar.xz", tmp_path)
    edited = next(runs.glob(f"*/*/*/seed1/{file}"))
    if file:
        edited.write_text(edited.read_text() + " ")
        told = f"{edited} was changed after the run made it"
    else:
        shutil.rmtree(edited)
        edited.symlink_to(edited.with_name("seed0"))
        told = f"{edited} is a copy"
    code, said = script(name, runs, tmp_path / "out")
    assert code == 1 and told in said
    assert not (tmp_path / "out").exists()
