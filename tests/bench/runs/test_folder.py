"""Run folders: places, lock, what `--force` removes, and the records of many runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.errors import BenchError
from bench.methods.spaces import Searched
from bench.runs.folder import RunFolder, run_folder
from bench.runs.record import find_runs, read_run
from bench.system.files import write_json, write_text

RUN = {
    "dataset": "smic",
    "surrogate": True,
    "variant": "rnas_mer",
    "preset": "smoke",
    "config_hash": "01234567",
    "seed": 0,
    "folds": ["s01", "s02"],
}


@pytest.fixture
def folder(tmp_path):
    """A run of two folds of which one is done."""
    folder = run_folder(tmp_path, "smic", True, "rnas_mer", "smoke", "01234567", 0)
    write_json(folder.run, RUN)
    write_json(folder.genotype(), {})
    write_json(folder.fold("s01"), {})
    write_json(folder.metrics, {"uar": 0.5})
    write_json(folder.failures, [])
    return folder


def files(folder):
    paths = (path for path in folder.path.rglob("*") if path.is_file())
    return {str(path.relative_to(folder.path)) for path in paths}


class TestPlaces:
    def test_are_those_of_the_specification(self, tmp_path):
        folder = run_folder(tmp_path, "smic", True, "rnas_mer", "smoke", "01234567", 3)
        assert folder.path == tmp_path / "smic-surrogate/rnas_mer/smoke-01234567/seed3"
        inside = {
            "run.json": folder.run,
            "metrics.json": folder.metrics,
            "profile.json": folder.profile,
            "folds/s01.json": folder.fold("s01"),
            "search/genotype.json": folder.genotype(),
            "search/history.csv": folder.history(),
            "search/architecture.json": folder.architecture(),
            "search/s01/genotype.json": folder.genotype("s01"),
            "search/s01/history.csv": folder.history("s01"),
        }
        assert {name: folder.path / name for name in inside} == inside

    def test_licensed_and_generated_clips_never_meet(self, tmp_path):
        rest = ("rnas_mer", "smoke", "01234567", 0)
        real, made = (run_folder(tmp_path, "smic", kind, *rest).path for kind in (False, True))
        assert real.relative_to(tmp_path).parts[0] == "smic"
        assert real.parents[2] != made.parents[2]

    def test_do_not_move_with_the_current_folder(self, tmp_path, monkeypatch):
        from pathlib import Path

        monkeypatch.chdir(tmp_path)
        folder = run_folder(Path("runs"), "smic", False, "a", "b", "c", 0)
        monkeypatch.chdir("/")
        assert folder.path == tmp_path / "runs/smic/a/b-c/seed0"


class TestLock:
    HOLD = """
import sys
from pathlib import Path
from bench.runs.folder import RunFolder
with RunFolder(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""

    def test_of_another_process_is_respected_until_it_ends_or_dies(self, tmp_path):
        folder = RunFolder(tmp_path / "seed0")
        with subprocess.Popen(
            [sys.executable, "-c", self.HOLD, str(folder.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(BenchError, match="another process is working on"), folder.lock():
                pass
            other.kill()
        with folder.lock():
            pass

    def test_is_given_back_after_an_error(self, tmp_path):
        folder = RunFolder(tmp_path / "seed0")
        with pytest.raises(RuntimeError), folder.lock():
            raise RuntimeError
        with folder.lock():
            pass

    def test_of_a_folder_that_cannot_be(self, tmp_path):
        (tmp_path / "runs").write_text("a file")
        with (
            pytest.raises(BenchError, match=r"cannot write the run folder .*choose another"),
            RunFolder(tmp_path / "runs/seed0").lock(),
        ):
            pass


class TestClearing:
    def test_removes_all_but_the_lock(self, folder):
        with folder.lock():
            folder.clear()
            assert files(folder) == {".lease"}
        assert files(folder) == set()

    def test_of_the_evaluation_keeps_the_search(self, folder):
        folder.clear_evaluation()
        assert files(folder) == {"run.json", "search/genotype.json"}
        folder.clear_evaluation()  # nothing left to remove


class TestRecords:
    def test_say_how_far_a_run_is(self, folder):
        record = read_run(folder)
        assert (record.variant, record.dataset, record.surrogate) == ("rnas_mer", "smic", True)
        assert (record.folds_done, record.folds_total) == (1, 2)
        assert record.metrics == {"uar": 0.5}
        assert record.profile is None
        assert record.folder == folder.path
        assert {key: getattr(record, key) for key in RUN} == {**RUN, "folds": ("s01", "s02")}
        assert (record.marks, record.method, record.searches.names) == ((), Searched, ("",))

    @pytest.mark.parametrize(
        ("edit", "said"),
        [
            (lambda run: run.pop("seed"), "'seed' is missing"),
            (lambda run: run.update(sead=1), "'sead' is unknown"),
            (lambda run: run.update(seed="0"), "'seed' is of the wrong kind"),
            (lambda run: run.update(seed=True), "'seed' is of the wrong kind"),
            (lambda run: run.update(folds=["s01", 2]), r"'folds\[1\]' is of the wrong kind"),
            (lambda run: run.update(marks=3), "'marks' is of the wrong kind"),
            (lambda run: run.update(config={"data": 3}), "'config.data' is of the wrong kind"),
            (lambda run: run.update(data="x"), "'data' is of the wrong kind"),
            (lambda run: run.update(data={"clip": 3}), "'data.clip' is unknown"),
            (lambda run: run.update(continued=[None]), r"'continued\[0\]' is of the wrong kind"),
            (lambda run: run.update(kind="fix"), "'kind': unknown kind of method 'fix'"),
        ],
    )
    def test_name_the_file_and_the_key_that_is_not_as_expected(self, folder, edit, said):
        run = {**RUN}
        edit(run)
        write_json(folder.run, run)
        with pytest.raises(BenchError, match=rf"run\.json: .*{said}") as raised:
            read_run(folder)
        assert "\n" not in str(raised.value)

    def test_are_found_by_path_and_odd_folders_are_named(self, folder, tmp_path):
        other = run_folder(tmp_path, "smic", True, "rnas_mer", "smoke", "01234567", 1)
        write_json(other.run, {**RUN, "seed": 1})
        broken = run_folder(tmp_path, "smic", True, "rnas_mer", "smoke", "01234567", 2)
        write_text(broken.run, "{")
        strange = run_folder(tmp_path, "smic", True, "rnas_mer", "smoke", "01234567", 3)
        write_json(strange.run, {"folds": []})
        stranger = run_folder(tmp_path, "smic", True, "rnas_mer", "smoke", "01234567", 4)
        write_json(stranger.run, ["no", "run"])
        write_text(tmp_path / "smic-surrogate/notes.txt", "a file of somebody")
        records, unreadable = find_runs(tmp_path)
        assert [record.seed for record in records] == [0, 1]
        assert len(unreadable) == 3
        assert str(broken.run) in unreadable[0]
        assert str(strange.run) in unreadable[1]
        assert str(stranger.run) in unreadable[2]

    def test_of_no_folder_are_none(self, tmp_path):
        assert find_runs(tmp_path / "nowhere") == ([], [])
