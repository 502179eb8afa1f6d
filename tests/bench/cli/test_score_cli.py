"""`bench score` and `bench export`: the round trip on real runs, and what is refused."""

from __future__ import annotations

import json

import pytest
from tiny_runs import only_run, without_seals

SCORES = ("uar", "uf1", "acc", "confusion", "classes", "clips", "subjects", "slices", "absent")
DUPLICATE = "casme2 sub01\nEP02_01f 1 1\nEP02_01f 1 0\n"


def exported(bench, run, form, place, *more):
    outcome = bench("export", run.path, "--format", form, "--out", place, *more)
    assert outcome.code == 0, outcome.err
    assert outcome.err.splitlines()[-1] == "surrogate: predictions of generated clips"
    outcome = bench("score", place, "--format", "json", "--draws", 20)
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


@pytest.mark.parametrize("form", ["megc2019", "csv", "json"])
@pytest.mark.parametrize("kind", ["random_runs", "composite_runs"])
def test_the_score_of_an_export_is_the_runs_own(bench, form, kind, tmp_path, request):
    run = only_run(request.getfixturevalue(kind))
    found, own = exported(bench, run, form, tmp_path / "log"), run.json("metrics.json")
    assert {key: found[key] for key in SCORES} == {key: own[key] for key in SCORES}
    assert found["aggregations"] == own["aggregations"]
    assert found["protocol"]["surrogate"] is True


def test_a_run_folder_is_scored_with_its_protocol(bench, composite_runs):
    run = only_run(composite_runs)
    outcome = bench("score", run.path, "--format", "json", "--draws", 0)
    found, own = json.loads(outcome.out), run.json("metrics.json")
    assert {key: found[key] for key in SCORES} == {key: own[key] for key in SCORES}
    assert found["protocol"] == own["protocol"]


def test_a_fold_has_the_marks_of_its_run_and_is_nothing_without_it(bench, random_runs, tmp_path):
    fold = next((only_run(random_runs).path / "folds").iterdir())
    outcome = bench("score", fold, "--draws", 0)
    assert outcome.code == 0 and "pooled; surrogate" in outcome.out
    (tmp_path / "fold.json").write_text(f"[{fold.read_text()}]")
    outcome = bench("score", tmp_path / "fold.json")
    assert outcome.code == 1 and "give the run folder" in outcome.error


def test_answers_of_another_rule_are_marked_by_it(bench, composite_runs, tmp_path):
    run = only_run(composite_runs)
    found = exported(bench, run, "json", tmp_path / "log", "--selection", "oracle")
    own = run.json("metrics.json")["selections"]["oracle"]
    assert {key: found[key] for key in SCORES} == {key: own[key] for key in SCORES}
    assert (found["protocol"]["selection"], found["protocol"]["leaky"]) == ("oracle", True)
    for form in ("csv", "megc2019"):
        log = tmp_path / f"log.{form}"
        bench("export", run.path, "--selection", "oracle", "--format", form, "--out", log)
        assert "leaky: selection=oracle" in bench("score", log, "--draws", 0).out
    outcome = bench("export", run.path, "--selection", "inner_val")
    assert outcome.code == 1
    assert "no answers of selection=inner_val; the run recorded last, oracle" in outcome.error


def test_the_challenge_log_has_unpadded_samm_subjects(bench, composite_runs):
    lines = bench("export", only_run(composite_runs).path).out.splitlines()
    assert lines[0] == "# surrogate"
    assert "samm 37" in lines
    assert all(len(line.split()) in (2, 3) for line in lines)


def test_a_clip_twice_is_refused_in_one_line(bench, tmp_path):
    log = tmp_path / "log.txt"
    log.write_text(DUPLICATE)
    outcome = bench("score", log)
    assert outcome.code == 1
    assert outcome.out == ""
    assert "EP02_01f is answered more than once" in outcome.error


def test_a_log_cannot_write_to_the_terminal(bench, tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("smic \x1b[2Js99\ns99_ne_01 0 0\nmine\x1b[2J p1\nc 0 0\n")
    outcome = bench("score", log, "--draws", 0)
    assert outcome.code == 0
    assert "\x1b" not in outcome.out + outcome.err and "\\x1b[2Js99" in outcome.err


def test_claims_are_told_beside_the_table(bench, tmp_path):
    log = tmp_path / "log.txt"
    log.write_text(DUPLICATE.replace("EP02_01f 1 0", "EP03_01f 0 1"))
    outcome = bench("score", log, "--claimed-uar", "25%", "--claimed-uf1", "0.67")
    assert outcome.code == 0
    assert "claimed UAR 0.25: none of the known aggregates" in outcome.err
    assert "claimed UF1 0.67: none" in outcome.err
    assert "no clip of class surprise" in outcome.err
    assert "by chance: UAR 0." in outcome.err and "p = " in outcome.err
    assert "pooled" in outcome.out


@pytest.mark.parametrize("form", ["table", "md", "csv"])
def test_every_format_has_every_aggregate(bench, composite_runs, form):
    outcome = bench("score", only_run(composite_runs).path, "--format", form, "--draws", 20)
    assert outcome.code == 0
    for name in ("pooled; surrogate", "slice smic", "slice casme2", "slice samm", "fold mean"):
        assert name in outcome.out


def test_strict_asks_for_the_whole_list(bench, tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("smic s05\ns05_ne_01 0 0\n")
    assert bench("score", log).code == 0
    outcome = bench("score", log, "--strict")
    assert outcome.code == 1
    assert "missing: smic s05 s05_sur_01: listed, but not answered" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", "nowhere.txt"], "no file nowhere.txt"),
        (["score", "."], "is no run folder"),
        (["export", "."], "is no run folder"),
        (["score", "x", "--claimed-uar", "high"], "--claimed-uar high: expected a score"),
        (["score", "a" * 5000], f"error: {'a' * 40}...{'a' * 39}: no file can have so long"),
        (["score", "x", "--classes", "one"], "--classes one: expected two or more names"),
    ],
)
def test_misuse_is_one_line(bench, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = bench(*arguments)
    assert outcome.code == 2
    assert message in outcome.error


def test_an_unfinished_run_is_not_exported(bench, finished):
    run = only_run(finished)
    without_seals(run)
    next(iter((run.path / "folds").glob("*.json"))).unlink()
    outcome = bench("export", run.path)
    assert outcome.code == 1
    assert "2 of 3 folds are finished" in outcome.error
