"""Every kind of file in a run folder, damaged: no number of it is shown without a word."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_runs import SIZES, Run, only_run, without_seals

from bench.errors import BenchError
from bench.runs import checksums
from bench.runs.checking.validate import validate
from bench.runs.checksums import gather, require_sealed, sealed_files, sealing
from bench.runs.folder import RunFolder
from bench.runs.predictions import finished_folds, run_predictions
from bench.runs.record import find_runs, read_run
from bench.system.files import write_atomic

VARIANT = "rnas_mer_3"


@pytest.fixture(scope="module")
def every_kind(searched_runs, tmp_path_factory) -> Path:
    """A finished run folder with all that runs hold, and a file of a kind that nobody knows."""
    runs = shutil.copytree(searched_runs, tmp_path_factory.mktemp("kinds") / "runs")
    folder = RunFolder(only_run(runs).path)
    with sealing(folder, "own"):
        write_atomic(folder.path / "weights/s05.bin", lambda file: file.write(bytes(range(256))))
    gather(folder)
    return runs


def forget_removed(folder: RunFolder) -> None:
    """The folder as if what is not there had never been made."""
    content = json.loads(folder.checksums.read_text())
    for seals in (content["sha256"], *content["units"].values()):
        for name in [name for name in seals if not (folder.path / name).exists()]:
            del seals[name]
    folder.checksums.write_text(json.dumps(content))


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])


def edit_a_value(file: Path) -> None:
    """The last digit before the end is another: numbers, sums and names have digits."""
    content = bytearray(file.read_bytes())
    place = max(place for place, byte in enumerate(content) if chr(byte).isdigit())
    content[place] = ord("7") if content[place] != ord("7") else ord("3")
    file.write_bytes(content)


def remove(file: Path) -> None:
    file.unlink()


def replace_by_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES = (flip_a_bit, cut_short, edit_a_value, remove, replace_by_a_folder)


def readers(runs: Path) -> dict[str, Callable[[], list[str]]]:
    """What shows runs (tables, figures, report, list; compare, score; validate) -> its complaints.

    Each gives the lines that a person reads.
    """
    folder = RunFolder(only_run(runs).path)

    def complaint(read: Callable[[RunFolder], object]) -> list[str]:
        try:
            read(folder)
        except BenchError as error:
            return [str(error)]
        return []

    return {
        "tables": lambda: find_runs(runs)[1],
        "compare": lambda: complaint(run_predictions),
        "validate": lambda: [
            f"{found.where}: {found.what}"
            for found in validate(folder, None, runs).findings
            if found.kind != "labels"
        ],
    }


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_to_any_file_is_told_by_all_who_show_the_run(every_kind, tmp_path, damage):
    untouched = readers(every_kind)
    assert [read() for read in untouched.values()] == [[], [], []]
    home = only_run(every_kind).path
    names = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    kept = [name for name in names if not name.startswith(".")]
    kinds = {"run.json", "checksums.json", "search/history.csv", "folds/s05.json"}
    assert {*kinds, "weights/s05.bin"} < set(kept)
    silent = []
    for number, name in enumerate(kept):
        runs = shutil.copytree(every_kind, tmp_path / str(number))
        file = only_run(runs).path / name
        damage(file)
        if not file.exists() and name == "run.json":
            continue  # no run is left that could be shown
        if name == "checksums.json" and _seals(runs) == _seals(every_kind):
            continue  # in the name of a unit, which nobody is shown
        sought = "" if name == "checksums.json" else Path(name).name  # seals speak of other files
        for who, read in readers(runs).items():
            if not any(sought in line for line in read()):
                silent.append((name, who))
    assert silent == []


def _seals(runs: Path) -> dict[str, set[str]] | None:
    try:
        return sealed_files(RunFolder(only_run(runs).path))
    except BenchError:
        return None


def flip_a_condition(run: Run) -> str:
    record = run.json("run.json")
    (run.path / "run.json").write_text(json.dumps({**record, "surrogate": False}, indent=1))
    return "run.json"


def raise_a_score(run: Run) -> str:
    scores = run.json("metrics.json")
    (run.path / "metrics.json").write_text(json.dumps({**scores, "uar": 0.99}, indent=1))
    return "metrics.json"


def lengthen_the_history(run: Run) -> str:
    file = run.path / "search/history.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, lines[-1]]) + "\n")
    return "search/history.csv"


@pytest.mark.parametrize(
    "edit",
    [flip_a_condition, raise_a_score, lengthen_the_history],
    ids=lambda edit: edit.__name__,
)
def test_commands_leave_an_edited_run_out_and_do_not_go_on_with_it(
    bench, searched_runs, runs, edit
):
    shutil.copytree(searched_runs, runs)
    run = only_run(runs)
    name = edit(run)
    told = f"{run.path / name} was changed after the run made it"
    table = bench("tables", "--runs", runs, "--table", 4, "--format", "json")
    assert told in table.err
    assert not any(row["measured"] and any(row["measured"].values()) for row in rows(table.out))
    listed = bench("list", "runs", "--runs", runs)
    assert told in listed.err and VARIANT not in listed.out
    resumed = bench.small(runs, VARIANT)
    assert resumed.code == 1 and told in resumed.error
    assert bench.small(runs, VARIANT, "--force").code == 0
    assert find_runs(runs)[1] == []


def rows(text: str) -> list[dict]:
    return json.loads(text)["rows"] if text else []


class TestGoingOn:
    """With a run whose evaluation is missing, and in which somebody else has left something."""

    @pytest.fixture
    def begun(self, searched_runs, runs) -> Run:
        shutil.copytree(searched_runs, runs)
        run = only_run(runs)
        for name in ("folds/s05.json", "metrics.json", "profile.json"):
            (run.path / name).unlink()
        forget_removed(RunFolder(run.path))
        return run

    def test_makes_results_anew_that_were_never_sealed(self, bench, runs, begun):
        """As a command leaves them that is killed between a file and its seal."""
        other = begun.json("folds/s06.json")
        (begun.path / "folds/s05.json").write_text(json.dumps(other))
        (begun.path / ".metrics.json.ab12cd_9").write_text("half")
        (begun.path / "folds/.s05.json.ab12cd_9").write_text("half")
        with pytest.raises(BenchError, match="has no seal"):
            read_run(RunFolder(begun.path))
        assert bench.small(runs, VARIANT).code == 0
        assert begun.json("folds/s05.json")["subject"] == "s05"
        assert not list(begun.path.rglob("*.ab12cd_9"))
        assert bench("validate", runs).code == 0

    @pytest.mark.parametrize("name", ["folds/s05.json", "search/genotype.json"])
    def test_refuses_what_another_run_made(self, bench, runs, begun, name):
        content = begun.json(name) if (begun.path / name).exists() else begun.json("folds/s06.json")
        (begun.path / name).unlink(missing_ok=True)
        forget_removed(RunFolder(begun.path))
        foreign = {**content, "run": {**content["run"], "seed": 7}}
        (begun.path / name).write_text(json.dumps(foreign))
        outcome = bench.small(runs, VARIANT)
        assert outcome.code == 1
        assert f"{name} was made by another run" in outcome.error and "elsewhere" in outcome.error

    @pytest.mark.parametrize("stamped", [True, False])
    @pytest.mark.parametrize("command", [("search",), ("run", "--fold", "s06")], ids=" ".join)
    def test_refuses_a_genotype_of_another_strategy(self, bench, runs, begun, stamped, command):
        content = {**begun.json("search/genotype.json"), "strategy": "random_search"}
        if not stamped:
            del content["run"]
        shutil.rmtree(begun.path / "search")
        forget_removed(RunFolder(begun.path))
        (begun.path / "search").mkdir()
        (begun.path / "search/genotype.json").write_text(json.dumps(content))
        outcome = bench.small(runs, VARIANT, *command[1:], command=command[0])
        assert outcome.code == 1
        assert "found by the strategy random_search, that of this run is" in outcome.error

    @pytest.mark.parametrize("name", ["folds/s99.json", "search/s05", "models/s99.safetensors"])
    def test_refuses_results_of_folds_that_it_does_not_have(self, bench, runs, begun, name):
        place = begun.path / name
        place.parent.mkdir(exist_ok=True)
        place.touch() if place.suffix else place.mkdir()
        outcome = bench.small(runs, VARIANT)
        assert outcome.code == 1
        assert f"{name} is of no fold of this run: move it elsewhere" in outcome.error

    def test_needs_the_record_of_the_run(self, bench, runs, begun):
        (begun.path / "run.json").unlink()
        outcome = bench.small(runs, VARIANT)
        assert outcome.code == 1 and "run.json is missing, and results are there" in outcome.error

    def test_seals_what_a_unit_writes_whatever_it_is(self, bench, runs, begun, monkeypatch):
        from bench.engine import fold as folds
        from bench.system.files import write_text

        evaluate = folds.evaluate_fold

        def also(unit, report):
            write_text(unit.job.folder.path / f"{unit.fold}.novel", "a kind of its own")
            evaluate(unit, report)

        monkeypatch.setattr(folds, "evaluate_fold", also)
        monkeypatch.setattr("bench.engine.execute.seal_rest", lambda folder, outputs: None)
        assert bench.small(runs, VARIANT).code == 0
        assert {"s05.novel", "folds/s05.json"} <= sealed_files(RunFolder(begun.path)).keys()

    def test_warns_of_another_number_of_threads(self, bench, runs, begun):
        from bench.runs.checksums import write_run_file

        record = begun.json("run.json")
        record["provenance"]["threads"] = 3
        write_run_file(RunFolder(begun.path), record)
        outcome = bench.small(runs, VARIANT)
        assert outcome.code == 0
        assert "was begun on 3 thread(s) and goes on with 1" in outcome.err


class TestRemoved:
    """Files that somebody has removed from a finished run: told, and never forgotten."""

    @pytest.fixture
    def run(self, searched_runs, runs) -> Run:
        shutil.copytree(searched_runs, runs)
        return only_run(runs)

    @pytest.mark.parametrize("link", [False, True])
    @pytest.mark.parametrize("name", ["search/history.csv", "search/architecture.json"])
    def test_beside_a_result_stays_wrong(self, bench, runs, run, name, link):
        (run.path / name).unlink()
        if link:
            (run.path / name).symlink_to(run.path / "nowhere")
        outcome = bench.small(runs, VARIANT)
        assert outcome.code == 1
        assert f"{name} was removed after the run made it; restore it, or" in outcome.error
        assert bench("validate", runs).code == 1

    @pytest.mark.parametrize("link", [False, True])
    def test_a_fold_is_done_anew_with_a_word(self, bench, runs, run, link):
        before = run.json("folds/s05.json")["clips"]
        (run.path / "folds/s05.json").unlink()
        if link:
            (run.path / "folds/s05.json").symlink_to(run.path / "nowhere")
        outcome = bench.small(runs, VARIANT)
        assert outcome.code == 0, outcome.err
        assert "folds/s05.json was removed after the run made it: fold s05 of" in outcome.err
        assert run.json("folds/s05.json")["clips"] == before
        assert bench("validate", runs).code == 0

    def test_weights_are_made_anew_with_their_fold(self, bench, runs):
        weights = ("--set", "save.weights=last")
        assert bench.small(runs, "ststnet", *weights).code == 0
        run = only_run(runs)
        (run.path / "models/s05.safetensors").unlink()
        outcome = bench.small(runs, "ststnet", *weights)
        assert outcome.code == 1
        assert "move folds/s05.json elsewhere, too, and repeat the command" in outcome.error
        (run.path / "folds/s05.json").unlink()
        assert bench.small(runs, "ststnet", *weights).code == 0
        assert (run.path / "models/s05.safetensors").exists()
        assert bench("validate", runs).code == 0

    def test_folds_rest_on_the_genotype(self, bench, runs, run):
        (run.path / "search/genotype.json").unlink()
        outcome = bench.small(runs, VARIANT)
        assert outcome.code == 1
        assert "genotype.json was removed after the run made it, and fold s05 rests" in outcome.err


def test_scores_are_made_anew_with_a_fold(bench, runs):
    """Another machine, or another torch, may answer otherwise."""
    assert bench.small(runs, "majority").code == 0
    run = only_run(runs)
    before = run.times
    next(iter((run.path / "folds").glob("*.json"))).unlink()
    assert bench.small(runs, "majority").code == 0
    assert run.times["metrics.json"] > before["metrics.json"]
    assert bench("validate", run.path).code == 0


def test_a_file_of_the_users_may_lie_there_and_change(bench, runs):
    assert bench.small(runs, "majority").code == 0
    run = only_run(runs)
    (run.path / "notes.txt").write_text("mine")
    (run.path / "metrics.json").unlink()
    assert bench.small(runs, "majority").code == 0
    (run.path / "notes.txt").write_text("mine, later")
    assert bench("validate", run.path).code == 0
    assert bench.small(runs, "majority").code == 0


@pytest.mark.parametrize("content", ['{"fold s04": "boom"}', "[1]", '[{"phase": 1}]'])
def test_failures_of_another_shape_stop_no_run(bench, runs, content):
    assert bench.small(runs, "majority").code == 0
    run = only_run(runs)
    (run.path / "metrics.json").unlink()
    (run.path / "failures.json").write_text(content)
    assert bench.small(runs, "majority").code == 0
    assert not (run.path / "failures.json").exists()


FOREIGN = ("3", '["x"]', "null")
PYTHON = re.compile("Error|NoneType|object has|indices|Traceback")


@pytest.mark.parametrize(
    "name", ["failures.json", "profile.json", "metrics.json", "search/summary.json"]
)
def test_a_file_of_another_form_is_named_without_words_of_python(bench, searched_runs, runs, name):
    shutil.copytree(searched_runs, runs)
    run = only_run(runs)
    without_seals(run)
    for content in FOREIGN:
        (run.path / name).write_text(content)
        shown = [
            bench("validate", runs),
            bench("list", "runs", "--runs", runs),
            bench("status", runs),
            bench("tables", "--runs", runs),
            bench("report", "--runs", runs, "--out", runs.with_suffix(".html")),
        ]
        told = [outcome.out + outcome.err for outcome in shown]
        assert not any(map(PYTHON.search, told)), told
        assert shown[0].code == 1 and shown[0].out.count(name) == 1, told[0]


@pytest.mark.parametrize("content", ["{", '{"x": 1}', "[]"])
def test_a_damaged_seal_of_one_unit_costs_that_unit(bench, runs, content):
    """In a run that is not finished: its other seals are gathered already."""
    assert bench.small(runs, "majority").code == 0
    run = only_run(runs)
    folder, before = RunFolder(run.path), run.times
    kept = json.loads(folder.checksums.read_text())
    unit = next(name for name in kept["units"] if name.startswith("fold "))
    del kept["units"][unit]
    folder.checksums.write_text(json.dumps(kept))
    folder.metrics.unlink()
    folder.seal(unit).parent.mkdir()
    folder.seal(unit).write_text(content)
    told = bench("validate", runs)
    assert told.code == 1 and told.out.count(f"{unit}.json") == 1 and "remove it" in told.out
    assert "remove it" in bench.small(runs, "majority").error
    folder.seal(unit).unlink()
    assert bench.small(runs, "majority").code == 0
    assert bench("validate", runs).code == 0
    again = {name for name, when in run.times.items() if when > before[name]}
    assert again == {f"folds/{unit.split()[1]}.json", "metrics.json"} | (again & {"checksums.json"})


def test_a_run_that_never_had_seals_is_read_as_it_is(searched_runs, runs):
    shutil.copytree(searched_runs, runs)
    run = only_run(runs)
    (run.path / "checksums.json").unlink()
    assert len(find_runs(runs)[1]) == 1  # it says of itself that it has seals
    record = run.json("run.json")
    del record["format"]
    (run.path / "run.json").write_text(json.dumps(record))
    assert find_runs(runs)[1] == []
    assert run_predictions(RunFolder(run.path)).answers


def test_large_files_are_read_by_those_alone_who_load_them(every_kind, tmp_path, monkeypatch):
    monkeypatch.setattr(checksums, "LARGE", 255)
    runs = shutil.copytree(every_kind, tmp_path / "runs")
    folder = RunFolder(only_run(runs).path)
    file = folder.path / "weights/s05.bin"
    flip_a_bit(file)
    assert read_run(folder)
    with pytest.raises(BenchError, match="was changed"):
        require_sealed(folder, file)
    assert {found.where for found in validate(folder, None, tmp_path).findings} == {
        "weights/s05.bin"
    }
    cut_short(file)  # its size tells
    with pytest.raises(BenchError, match="was changed"):
        read_run(folder)


def test_a_large_fold_that_was_edited_is_in_no_figure_and_no_score(bench, runs, monkeypatch):
    assert bench.small(runs, "majority").code == 0
    monkeypatch.setattr(checksums, "LARGE", 255)
    folder = RunFolder(only_run(runs).path)
    record = read_run(folder)
    file = folder.fold(record.folds[0])
    assert len(finished_folds(record)) == record.folds_done
    text = file.read_text()
    assert '"pred": ' in text
    digit = text[text.index('"pred": ') + len('"pred": ')]
    file.write_text(text.replace(f'"pred": {digit}', f'"pred": {(int(digit) + 1) % 3}'))
    for read in (lambda: finished_folds(record), lambda: run_predictions(folder)):
        with pytest.raises(BenchError, match=f"{file.name} was changed"):
            read()
    folder.metrics.unlink()
    assert bench.small(runs, "majority").code == 1
    assert not folder.metrics.exists()


@pytest.mark.parametrize("by_link", [False, True])
def test_a_file_of_a_run_that_is_named_alone_is_as_the_run_made_it(
    bench, searched_runs, tmp_path, by_link
):
    runs = shutil.copytree(searched_runs, tmp_path / "runs")
    folder = RunFolder(only_run(runs).path)
    sizes = [word for size in SIZES if "subject" not in size for word in ("--set", size)]
    profile = ("profile", "--variant", VARIANT, *sizes, "--no-peaks")
    evaluate = bench.small_command(tmp_path / "own", VARIANT, command="evaluate")
    for file, command in (
        (folder.metrics, ("score", "--draws", 0)),
        (folder.genotype(), (*profile, "--genotype")),
        (folder.genotype(), (*evaluate, "--genotype")),
    ):
        link = tmp_path / file.name
        if not link.exists():
            link.symlink_to(file)
        named = link if by_link else file
        content = file.read_text()
        edit_a_value(file)
        outcome = bench(*command, named)
        assert outcome.code == 1
        assert f"{named} was changed after the run made it" in outcome.error
        file.write_text(content)
        assert bench(*command, named).code == 0


@pytest.mark.parametrize("others", ["random_runs", "composite_runs"])
def test_the_seals_of_another_run_are_called_so(bench, searched_runs, tmp_path, others, request):
    runs = shutil.copytree(searched_runs, tmp_path / "runs")
    file = RunFolder(only_run(runs).path).checksums
    foreign = RunFolder(only_run(request.getfixturevalue(others)).path).checksums
    file.write_bytes(foreign.read_bytes())
    for command in (("validate", runs), ("tables", "--runs", runs), ("score", file.parent)):
        outcome = bench(*command)
        assert outcome.code == 1
        assert "is another run's, or all was changed" in outcome.out + outcome.err
        assert "was removed" not in outcome.out + outcome.err
