"""What lies beside and in run folders that no run made: copies, foreign and system files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_runs import only_run

from bench.runs.record import find_runs


@pytest.mark.parametrize(("within", "told"), [("cluster", 1), ("a/b", 1), ("ablation", 0)])
def test_runs_of_a_folder_that_was_copied_into_another_are_told(bench, finished, within, told):
    home = only_run(finished).path.parents[3]
    (below := home / within).mkdir(parents=True)
    shutil.copytree(only_run(finished).path.parents[2], below / "smic-surrogate")
    found, lines = find_runs(home)
    assert len(found) == 1 and len(lines) == told
    assert all(f"1 run(s) below {below} are not counted" in line for line in lines)


def test_what_a_system_or_a_synchronising_program_leaves_is_told_from_an_edit(bench, runs):
    assert bench.small(runs, "majority").code == 0
    run = only_run(runs)
    fold = next(iter((run.path / "folds").glob("*.json")))
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", f"._{fold.name}"):
        (run.path / "folds" / name).write_text("x")
    (run.path / "search/__MACOSX").mkdir(parents=True)
    assert bench("validate", runs).code == 0
    assert "nothing left to do" in bench.small(runs, "majority").err
    for name in ("fold (conflicted copy).json", "s05.sync-conflict-20260101-120000-ABC.json"):
        (run.path / "search" / name).write_text("{}")
        found = bench("validate", runs)
        assert found.code == 1 and f"search/{name}: is by its name a conflicted copy" in found.out
        (run.path / "search" / name).unlink()
    other = fold.with_name(f"{fold.stem} (1).json")
    shutil.copy(fold, other)
    for command in (bench("validate", runs).out, bench.small(runs, "majority").error):
        assert f"{other.name}: is by its name a conf" in command.replace("json is", "json: is")
    shutil.copy(fold, fold.with_name("s99.json"))
    assert "s99.json: of a fold that run.json does not list" in bench("validate", runs).out


@pytest.mark.parametrize("name", ["run.json", "failures.json"])
def test_the_status_of_other_runs_is_shown_beside_a_damaged_one(bench, runs, name):
    assert bench.small(runs, "majority", "--seed", 0).code == 0
    sound = only_run(runs).path
    broken = shutil.copytree(sound, sound.with_name("seed1"))
    (broken / name).write_text("{")
    for form in ("table", "json"):
        outcome = bench("status", runs, "--format", form)
        assert outcome.code == 1 and str(sound) in outcome.out and str(broken) not in outcome.out
        assert outcome.err.startswith(f"skipped: {broken / name} cannot be read")


def test_copies_and_runs_without_their_file_are_told_and_left_out(bench, finished):
    run = only_run(finished)
    shutil.copytree(run.path, run.path.with_name("seed7"))
    elsewhere = run.path.parents[2] / "copy" / run.path.parent.name / run.path.name
    shutil.copytree(run.path, elsewhere)
    bare = run.path.with_name("seed8")
    shutil.copytree(run.path, bare)
    (bare / "run.json").unlink()
    found, told = find_runs(finished)
    assert [record.folder for record in found] == [run.path]
    without, copies = told
    assert str(bare) in without and "no run.json" in without
    assert copies.startswith(f"2 folders are copies of {run.path}: ")
    shutil.rmtree(elsewhere)
    assert "seed7 is a copy" in find_runs(finished)[1][-1]
    shutil.rmtree(run.path)
    assert f"seed7 was moved: its run.json is that of {run.path}" in find_runs(finished)[1][-1]


@pytest.mark.parametrize("make", [shutil.copytree, Path.symlink_to], ids=["copy", "link"])
def test_a_run_is_not_compared_with_itself(bench, finished, make):
    run = only_run(finished)
    again = run.path.with_name("seed1")
    make(run.path, again) if make is shutil.copytree else make(again, run.path)
    for folders in ([run.path.parent], [again, run.path]):
        outcome = bench("compare", *folders)
        assert outcome.code == 2 and "again (a copy or a link)" in outcome.error


@pytest.mark.parametrize("name", ["folds/s99.json", "search/s05"])
def test_a_foreign_result_in_a_finished_run_is_told_by_all_who_show_it(
    bench, searched_runs, runs, name
):
    shutil.copytree(searched_runs, runs)
    run = only_run(runs)
    if name.endswith("json"):
        shutil.copy(run.path / "folds/s06.json", run.path / name)
    else:
        shutil.copytree(run.path / "search", runs / "kept")
        (runs / "kept").rename(run.path / name)
    (listed,) = json.loads(bench("list", "runs", "--runs", runs, "--format", "json").out)
    table = bench("tables", "--runs", runs, "--table", 4, "--format", "json")
    assert f"foreign file: {name}" in listed["marks"]
    assert f"foreign file: {name}" in table.out
    assert f"{name}: of a fold that run.json does not list" in bench("validate", runs).out


@pytest.mark.parametrize("renamed", ["data set", "variant"])
def test_a_run_that_is_named_alone_says_that_its_folder_was_renamed(bench, finished, renamed):
    """As `list` says it of all runs: what lies beside it by its own name is not looked at."""
    own = only_run(finished).path
    folder = own.parents[{"data set": 2, "variant": 1}[renamed]]
    for command in ("score", "export", "compare"):
        assert "was moved" not in bench(command, own).err
    moved = folder.rename(folder.with_name("renamed")) / own.relative_to(folder)
    for command in ("score", "export", "compare"):
        outcome = bench(command, moved)
        assert outcome.err.count(f"{moved} was moved: ") == 1
    elsewhere = shutil.copytree(moved, finished.parent / "kept")
    assert "moved" not in bench("score", elsewhere).err
