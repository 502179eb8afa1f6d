"""`bench ablate` on new people: pairs of networks, searches, table and picture, resumed."""

from __future__ import annotations

import json

import pytest
from tiny_runs import merged

FEW = (
    *("--genotypes", "2", "--searches", "2", "--protocol", "fresh"),
    *("--subjects", "s06,s15", "--set", "data.subject_count=0"),
)
SIZES = (
    *("--set", "data.frames=2", "--set", "search.epochs=1", "--set", "train.epochs=1"),
    *("--set", "search.candidates=2", "--set", "search.rungs=1", "--set", "search.brief_epochs=1"),
)
MADE = ("made", "provenance", "content_sha256")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablation")
    return folder / "runs", folder / "out"


@pytest.fixture(scope="module")
def ask(bench, places, clip_cache):
    from bench.data.surrogates.writing import SURROGATE_VERSION, resolve_difficulty, write_surrogate

    name = f"smic-{resolve_difficulty('easy'):g}-seed1-version{SURROGATE_VERSION}"
    write_surrogate(
        "smic", clip_cache / "surrogate" / name, seed=1, size=32, subjects=("s06", "s15"), workers=1
    )
    runs, out = places

    def command(*arguments, variant="rnas_mer_3"):
        own = ("--variant", "rnas_mer_4b", *SIZES, *FEW, "--out", out)
        wanted = merged(own, arguments)
        return bench.small(runs, variant, *wanted, command="ablate")

    return command


@pytest.fixture(scope="module")
def record(ask):
    outcome = ask("--format", "json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_rows(record):
    assert [(row["title"], row["acts"], row["n"]) for row in record["rows"]] == [
        ("attention", "network", 2),
        ("edge normalisation η", "search", 2),
    ]
    kinds = ["rnas_mer", "edge normalisation η as in rnas_mer_4b"]
    assert [row["title"] for row in record["zero_line"]] == kinds
    assert len({row["second"] for row in record["zero_line"]}) == 1
    assert (record["protocol"], record["subjects"], record["leaks"]) == ("fresh", 2, [])
    for row in (*record["rows"], *record["zero_line"]):
        assert set(row["scores"]) == {"uar", "uf1", "acc"}
        for score in row["scores"].values():
            assert score["low"] <= score["estimate"] <= score["high"]
            assert 0 < score["p"] <= score["p_holm"] <= 1
    assert record["rows"][0]["search_macs_ratio"] is None  # drawn
    for row in record["zero_line"]:
        first, second = (
            [run["search_macs"] for run in record["networks"] if run["arm"] == row[side]]
            for side in ("first", "second")
        )
        first = [macs for macs in first if macs is not None]  # drawn ones have the arm's name, too
        assert row["search_macs_ratio"] == pytest.approx(sum(first) / sum(second))
    assert {"surrogate", "fresh", "not trained"} <= set(record["marks"])


def test_networks_of_a_pair_have_one_genotype_and_other_macs(record):
    by_arm = {}
    for network in record["networks"]:
        by_arm.setdefault((network["arm"], network["acts"]), []).append(network)
    assert len(by_arm) == 5
    base, without = by_arm["rnas_mer", "network"], by_arm["attention as in rnas_mer_3", "network"]
    for one, other in zip(base, without, strict=True):
        assert one["genotypes"] == other["genotypes"]
        assert one["macs"] > other["macs"]


def test_every_run_validates_and_tests_new_people(bench, record, places):
    outcome = bench("validate", places[0] / "ablation")
    assert outcome.out == "10 of 10 runs complete and clean\n"
    (fold,) = {file.name for file in places[0].rglob("folds/*.json")}
    assert fold == "fresh.json"
    for file in places[0].rglob("folds/fresh.json"):
        found = json.loads(file.read_text())
        assert {clip["subject"] for clip in found["clips"]} == {"s06-1", "s15-1"}
        assert found["trained_on"] == ["smic/s06", "smic/s15"]


def test_searches_saw_nobody_who_is_tested(record, places):
    for file in places[0].glob("ablation/search/*/rnas_mer/*/*/search/fresh/genotype.json"):
        assert json.loads(file.read_text())["searched_on"] == ["smic/s06", "smic/s15"]


def test_files(record, places):
    kinds = ("json", "md", "csv", "png", "svg")
    names = {f"smic-surrogate-rnas_mer-fresh.{kind}" for kind in kinds}
    assert {path.name for path in places[1].iterdir()} == names


def test_what_a_kill_left_out_is_made_again_alike(ask, record, places):
    lost = [
        next(places[0].rglob("genotype1/*/*/*/*/seed0")),
        next(places[0].glob("ablation/search/*/*/*/seed1")),
    ]
    for folder in lost:
        for name in ("metrics.json", "folds/fresh.json"):
            (folder / name).unlink()
    kept = {p: p.stat().st_mtime_ns for p in places[0].rglob("folds/*.json")}
    counted = ask("--dry-run").out.splitlines()
    left = {line[:20].strip(): line.split()[-3:-1] for line in counted}
    assert left["all"] == ["2", "0"]  # networks, searches
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    outcome = ask("--format", "json")
    assert outcome.code == 0, outcome.err
    again = json.loads(outcome.out)
    same = {key: value for key, value in record.items() if key not in MADE}
    assert {key: value for key, value in again.items() if key not in MADE} == same
    assert all(p.stat().st_mtime_ns == time for p, time in kept.items())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--genotypes", "1"), "one alone has no spread"),
        (("--genotypes", "0", "--searches", "0"), "nothing to compare"),
        (("--variant", "ststnet"), "fixed network"),
        (("--set", "space.operations=conv_9,skip"), "conv_9"),
    ],
)
def test_what_cannot_be_compared_is_refused(ask, arguments, said):
    outcome = ask(*arguments)
    assert outcome.code == 2
    assert said in outcome.error


def test_new_people_are_generated_ones(ask, licensed):
    outcome = ask("--data-root", licensed)
    assert outcome.code == 2
    assert "--surrogate" in outcome.error


def test_any_run_can_be_tested_on_new_people(bench, ask, tmp_path):
    fresh = (*FEW[6:], *SIZES, "--set", "data.fresh_seed=1", "--set", "search_scope=fold")
    outcome = bench.small(tmp_path, "random_rnas_mer", *fresh)
    assert outcome.code == 0, outcome.err
    assert "of 2 subjects (fresh, pooled; " in outcome.out
    table = bench("tables", "--table", "4", "--runs", tmp_path).out
    assert "fresh" in table and "of 16 subjects" not in table
