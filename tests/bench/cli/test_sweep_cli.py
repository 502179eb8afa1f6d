"""`bench sweep`: networks trained under several settings, the table, the choice, resumed."""

from __future__ import annotations

import json
import shutil

import pytest
from tiny_runs import merged

from bench.studies.sweep import choose

FEW = ("--genotypes", "2", "--lr", "0.01,0.02", "--warmup", "0", "--epochs", "1")
SIZES = ("--set", "data.frames=2", "--subjects", "s06,s15", "--set", "data.subject_count=0")


@pytest.fixture(scope="module")
def ask(bench, tmp_path_factory, clip_cache):
    from bench.data.surrogates.writing import SURROGATE_VERSION, resolve_difficulty, write_surrogate

    name = f"smic-{resolve_difficulty('easy'):g}-seed1-version{SURROGATE_VERSION}"
    write_surrogate(
        "smic", clip_cache / "surrogate" / name, seed=1, size=32, subjects=("s06", "s15"), workers=1
    )
    place = tmp_path_factory.mktemp("sweep")

    def command(*arguments, variant="rnas_mer"):
        own = (*FEW, *SIZES, "--seed", "0", "--seed", "1", "--out", place / "out")
        wanted = merged(own, arguments)
        outcome = bench.small(place / "runs", variant, *wanted, command="sweep")
        return outcome, place

    return command


def test_one_space_two_rates_resumed(ask):
    outcome, place = ask("--variant", "rnas_mer_4b", "--format", "json")
    assert outcome.code == 0, outcome.err
    record = json.loads(outcome.out)
    assert [(row["variant"], row["lr"], row["networks"]) for row in record["rows"]] == [
        ("rnas_mer", 0.01, 4),
        ("rnas_mer", 0.02, 4),
    ]
    assert record["chosen"] == choose(record["rows"])
    folds = sorted((place / "runs").rglob("folds/*.json"))
    assert len(folds) == 8
    times = [file.stat().st_mtime_ns for file in folds]
    again, _ = ask("--variant", "rnas_mer_4b", "--format", "json")
    assert json.loads(again.out)["rows"] == record["rows"]
    assert [file.stat().st_mtime_ns for file in folds] == times
    kinds = {file.suffix for file in (place / "out").iterdir()}
    assert kinds == {".json", ".md", ".csv", ".png", ".svg"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--lr", "fast"), "expected numbers from"),
        (("--warmup", "2"), "expected numbers from 0 to 1"),
        (("--epochs", "0"), "expected numbers from 1"),
        (("--genotypes", "1"), "not in the range"),
    ],
)
def test_what_it_cannot_do_is_refused(ask, arguments, said):
    outcome, _ = ask(*arguments)
    assert outcome.code == 2
    assert said in outcome.error


def test_it_needs_generated_clips_and_two_seeds(ask, licensed):
    outcome, _ = ask("--data-root", licensed)
    assert outcome.code == 2
    assert "--surrogate" in outcome.error


def swap(first, second):
    aside = first.rename(first.with_name("aside"))
    second.rename(first)
    aside.rename(second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("genotype0", "genotype1"),
        ("genotype0/{0}", "genotype0/{1}"),  # the same genotype, other settings
        ("genotype0/{0}", "genotype1/{0}"),
        ("genotype0/{0}/genotype.json", "genotype1/{0}/genotype.json"),
        ("genotype0/{0}/smic-surrogate", "genotype1/{0}/smic-surrogate"),
    ],
)
@pytest.mark.parametrize("name", ["sweep", "renamed"])
def test_validate_finds_what_was_exchanged_between_arms(bench, ask, tmp_path, one, other, name):
    outcome, place = ask("--variant", "rnas_mer_4b")
    assert outcome.code == 0, outcome.err
    tree = shutil.copytree(place / "runs" / "sweep", tmp_path / name)
    assert bench("validate", tree).out == "8 of 8 runs complete and clean\n"
    hashes = sorted(folder.name for folder in tree.glob("rnas_mer/genotype0/*"))
    swap(*(tree / "rnas_mer" / each.format(*hashes) for each in (one, other)))
    outcome = bench("validate", tree)
    assert outcome.code == 1
    assert all("search: search/" in line for line in outcome.out.splitlines()[:-1])
    assert any(words in outcome.out for words in ("and lies in", "one of the two is of another"))


def test_failed_networks_are_told_in_one_line(ask):
    outcome, _ = ask("--lr", "1000", "--epochs", "30")
    assert outcome.code == 1
    assert " units failed, first rnas_mer: fold " in outcome.err.splitlines()[-1]
