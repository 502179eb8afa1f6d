"""Manifests from the command line: written from a set, checked, edited, run."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_runs import merged, only_run

from bench.data.cache import load_arrays
from bench.data.sets.catalogue import load_clips
from bench.data.steps.pipeline import Video
from bench.data.steps.settings import Preprocessing
from bench.data.stills.products import Flow
from bench.data.surrogates.writing import write_surrogate

VARIANT = "random_rnas_mer"


@pytest.fixture
def manifest(bench, data_root):
    path = data_root / "mine.csv"
    command = ("data", "export-manifest", "--dataset", "smic", "--data-root", data_root)
    outcome = bench(*command, "--out", path)
    assert outcome.code == 0, outcome.err
    assert f"manifest:{path}" in outcome.out
    return path


def loaded(cache, dataset, root, class_map="challenge", outside=True):
    """Clips as they are told of, and their videos and flows."""
    clip_set = load_clips(dataset, root, class_map=class_map, allow_outside=outside)
    clips = sorted(clip_set.clips, key=lambda c: (c.dataset, c.subject, c.name))
    facts = [
        (c.dataset, c.subject, c.name, clip_set.classes[c.label], c.apex, c.fps) for c in clips
    ]
    videos = load_arrays(clips, Video(Preprocessing(6, 12)), cache)
    flows = load_arrays(clips, Flow(Preprocessing(), 32), cache)
    return facts, videos, flows


@pytest.mark.parametrize("inside", [True, False])
def test_every_set_makes_the_round_trip(bench, tmp_path, inside):
    root, out = tmp_path / "data", tmp_path / "other" / "mine.csv"
    write_surrogate("composite", root, size=32, subjects=["s05", "sub15", "037"], workers=1)
    out = root / "mine.csv" if inside else out
    command = ("data", "export-manifest", "--dataset", "composite", "--data-root", root)
    outcome = bench(*command, "--out", out)
    assert outcome.code == 0, outcome.err
    assert ("--allow-outside" in outcome.out) is not inside
    manifest = f"manifest:{out}"
    before = loaded(tmp_path / "cache", "composite", root)
    after = loaded(tmp_path / "cache", manifest, out.parent, outside=not inside)
    assert after[0] == before[0]
    assert {fact[0] for fact in after[0]} == {"smic", "casme2", "samm"}
    np.testing.assert_array_equal(after[1], before[1])
    np.testing.assert_array_equal(after[2], before[2])
    checked = bench("data", "check", "--dataset", manifest)
    assert checked.code == (0 if inside else 1)
    assert inside or "say --allow-outside if you mean it" in checked.out


def test_surrogates_are_exported_where_they_lie(bench, tmp_path):
    out = tmp_path / "mine.csv"
    command = ("data", "export-manifest", "--dataset", "smic", "--surrogate", "--preset", "smoke")
    outcome = bench(*command, "--subjects", "s05,s19", "--out", out)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("4 clips of smic (surrogate) written; use --dataset manifest:")
    assert "--allow-outside" in outcome.out
    checked = bench("data", "check", "--dataset", f"manifest:{out}", "--allow-outside")
    assert checked.code == 0, checked.out


def test_classes_of_the_release_make_the_round_trip(bench, tmp_path):
    root, out = tmp_path / "data", tmp_path / "data" / "mine.csv"
    write_surrogate("casme2", root, size=16, subjects=["sub15", "sub19"], workers=1)
    command = ("data", "export-manifest", "--dataset", "casme2", "--data-root", root)
    outcome = bench(*command, "--class-map", "native", "--out", out)
    assert "--set data.class_map=native" in outcome.out
    before = loaded(tmp_path / "cache", "casme2", root, "native")
    after = loaded(tmp_path / "cache", f"manifest:{out}", root, "native")
    assert after[0] == before[0]


def run(bench, runs, dataset, *arguments):
    sizes = ("--set", "data.skip_bad_clips=true", "--dataset", dataset, "--data-root", ".")
    return bench.small(runs, VARIANT, *merged(sizes, arguments))


def test_a_run_on_a_manifest_predicts_what_a_run_on_the_set_does(
    bench, manifest, data_root, tmp_path
):
    outcome = run(bench, tmp_path / "listed", f"manifest:{manifest}")
    assert outcome.code == 0, outcome.err
    listed = only_run(tmp_path / "listed")
    assert bench.small(tmp_path / "set", VARIANT, "--data-root", data_root).code == 0
    of_set = only_run(tmp_path / "set").folds
    assert {name: fold["clips"] for name, fold in listed.folds.items()} == {
        name: fold["clips"] for name, fold in of_set.items()
    }
    record = listed.json("run.json")
    assert record["dataset"] == "manifest-mine"
    assert record["data"]["class_map"] == "challenge"
    assert listed.path.parts[-4] == "manifest-mine"
    tables = bench("tables", "--table", "2", "--runs", tmp_path / "listed")
    assert "no column here: manifest-mine" in tables.out


def test_a_subset_is_an_edit_away(bench, manifest, tmp_path):
    lines = manifest.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("smic,s06")]
    manifest.write_text("\n".join(kept))
    checked = bench("data", "check", "--dataset", f"manifest:{manifest}")
    assert checked.code == 0
    assert "no frame was decoded: --deep" in checked.out
    assert "0 problem(s): all clips found" in checked.out
    assert run(bench, tmp_path / "runs", f"manifest:{manifest}").code == 0
    assert "s06" not in only_run(tmp_path / "runs").json("run.json")["folds"]


def test_classes_of_ones_own_reach_the_table(bench, manifest, tmp_path):
    mapping = tmp_path / "two.csv"
    mapping.write_text("emotion,class\nnegative,bad\npositive,good\nsurprise,good\n")
    setting = ("--set", f"data.class_map={mapping}")
    outcome = run(bench, tmp_path / "runs", f"manifest:{manifest}", *setting)
    assert outcome.code == 0, outcome.err
    metrics = only_run(tmp_path / "runs").json("metrics.json")
    assert metrics["classes"] == ["bad", "good"]
    listed = bench("tables", "--table", "5", "--runs", tmp_path / "runs")
    assert "class map two.csv" in listed.out


def test_mistakes_are_one_line(bench, manifest, tmp_path):
    surrogate = bench.small(tmp_path, VARIANT, "--dataset", f"manifest:{manifest}")
    assert (surrogate.code, "leave out --surrogate" in surrogate.error) == (2, True)
    absent = run(bench, tmp_path, "manifest:nowhere.csv")
    assert (absent.code, "does not exist" in absent.error) == (2, True)
    manifest.write_text(manifest.read_text().replace(",negative,", ",awe,"))
    unknown = run(bench, tmp_path, f"manifest:{manifest}", "--set", "data.skip_bad_clips=false")
    assert unknown.code == 1
    assert "'awe' is none of" in unknown.error
