"""`bench time`: rows that name their conditions, and a machine that is not shared unawares."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pytest
from tiny_runs import SIZES, merged, only_run

SMALL = [word for size in SIZES if "subject" not in size for word in ("--set", size)]
QUICK = ("--repeats", 3, "--warmup", 1)
BATCHES = ("--set", "train.batch=6", "--set", "search.batch=4")
VARIANT = ("--variant", "short", *SMALL, *BATCHES)

pytestmark = pytest.mark.usefixtures("short")

HOLDER = """
import sys
from bench.system.machine_lock import machine_in_use
with machine_in_use():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def timed(bench):
    """`bench time --format json`, as the value that it prints."""

    def call(*arguments):
        outcome = bench("time", *arguments, *QUICK, "--format", "json")
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out)

    return call


@pytest.fixture
def someone(bench):
    """The id of another process at work with the harness on this machine."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env=bench.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process.pid
    process.kill()
    process.communicate()


class TestRows:
    def test_of_a_run_are_those_of_its_network_and_settings(self, timed, random_runs):
        run = only_run(random_runs)
        found = timed(run.path, "--batch", 1, 3)
        assert [(row["what"], row["batch"]) for row in found["rows"]] == [
            ("inference", 1),
            ("inference", 3),
            ("training step", run.json("run.json")["config"]["train"]["batch"]),
        ]
        for row in found["rows"]:
            assert (row["variant"], row["origin"]) == ("random_rnas_mer", str(run.path))
            assert row["clip"] == [3, 4, 8, 8]
            assert (row["precision"], row["machine"]) == ("fp32", "alone")
            assert row["clips_per_s"] == pytest.approx(1000 * row["batch"] / row["median_ms"])
        assert set(found["machine"]) >= {"cpu", "gpu", "torch", "threads", "version", "git_commit"}

    def test_batches_may_be_repeated_options_too(self, timed):
        found = timed(*VARIANT, "--batch", 2, 2, "--batch", 4)
        assert [row["batch"] for row in found["rows"]] == [2, 4, 6]

    def test_of_a_variant_are_those_of_a_genotype_of_the_seed(self, timed):
        found = timed(*VARIANT, "--batch", 1, "--seed", 7)
        origin = "1 of 2000 random genotypes, of median size, seed 7"
        assert {row["origin"] for row in found["rows"]} == {origin}

    @pytest.mark.parametrize("evaluation", [None, "reference"])
    def test_of_a_supernet_are_a_search_step(self, timed, evaluation):
        words = ("--evaluation", evaluation) if evaluation else ()
        (row,) = timed(*VARIANT, "--supernet", *words)["rows"]
        assert (row["what"], row["batch"]) == ("search step", 4)
        assert row["network"] == f"supernet, {evaluation or 'fast'} evaluation"

    def test_name_other_conditions(self, timed):
        found = timed(*VARIANT, "--batch", 1, "--precision", "bf16", "--contiguous")
        for row in found["rows"]:
            assert (row["precision"], row["memory_format"]) == ("bf16", "contiguous")

    def test_are_measured_on_so_many_threads(self, timed, monkeypatch):
        import torch

        from bench.measuring import timing

        seen = []

        def measured(*_):
            seen.append(torch.get_num_threads())
            return timing.Spread(1.0, 1.0, 1.0)

        monkeypatch.setattr(timing, "measure", measured)
        found = timed(*VARIANT, "--batch", 1, "--threads", 2)
        assert set(seen) == {found["machine"]["threads"]} == {2}

    def test_follow_the_settings(self, timed):
        settings = ("--set", "compute.precision=bf16", "--set", "train.batch=5")
        *_, training = timed(*merged((*VARIANT, "--batch", 1), settings))["rows"]
        assert (training["precision"], training["batch"]) == ("bf16", 5)


class TestFormats:
    def test_of_csv_repeat_the_machine_in_every_line(self, bench):
        outcome = bench("time", *VARIANT, "--batch", 1, 2, *QUICK, "--format", "csv")
        rows = list(csv.DictReader(io.StringIO(outcome.out)))
        assert [row["batch"] for row in rows] == ["1", "2", "6"]
        assert {row["clip"] for row in rows} == {"3×4×8×8"}
        assert all(row["cpu"] and row["torch"] and row["threads"] == "1" for row in rows)

    def test_of_the_table_names_everything_a_reader_needs(self, bench):
        import torch

        words = ("time", "--variant", "automer_3d", *SMALL, "--batch", 1, *QUICK)
        outcome = bench(*words)
        assert outcome.code == 0
        for word in ("reconstruction", "3×4×8×8", "fp32", "of median size, seed 0", "alone"):
            assert word in outcome.out
        head = outcome.out.splitlines()[0]
        assert head.endswith(f"1 threads, torch {torch.__version__}")
        assert "Peak (MB)" not in outcome.out  # measured on GPUs only

    def test_go_into_a_file(self, bench, tmp_path):
        out = tmp_path / "time.json"
        words = ("time", *VARIANT, "--batch", 1, *QUICK, "--format", "json", "--out", out)
        assert bench(*words).out == ""
        assert len(json.loads(out.read_text())["rows"]) == 2

    @pytest.mark.parametrize("place", ["file/time.txt", "folder"])
    def test_that_cannot_be_written_are_refused_before_anything_is_measured(
        self, bench, tmp_path, place, monkeypatch
    ):
        from bench.measuring import timing

        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
        monkeypatch.setattr(timing, "measure", lambda *_: pytest.fail("it was measured"))
        outcome = bench("time", *VARIANT, "--out", tmp_path / place)
        assert outcome.code == 2
        assert f"--out {tmp_path / place} cannot be written" in outcome.error


class TestTheMachine:
    def test_is_refused_beside_other_work(self, bench, someone):
        outcome = bench("time", *VARIANT, *QUICK)
        assert (outcome.code, outcome.out) == (1, "")
        assert f"other work of ours is on this machine: process {someone} (" in outcome.error
        assert "--shared" in outcome.error

    def test_may_be_shared_on_purpose_and_every_row_says_so(self, timed, someone):
        found = timed(*VARIANT, "--batch", 1, "--shared")
        assert {row["machine"] for row in found["rows"]} == {"shared with other work"}

    def test_is_held_while_a_run_works(self, bench, runs, monkeypatch):
        from bench.engine import units

        ended = []

        def timing_meanwhile(unit, report):
            ended.append(bench("time", *VARIANT, *QUICK))
            raise KeyboardInterrupt

        monkeypatch.setattr(units, "perform", timing_meanwhile)
        assert bench.small(runs, "random_rnas_mer").code == 130
        (refused,) = ended
        assert refused.code == 1
        assert "other work of ours is on this machine" in refused.error

    def test_in_a_timing_run_is_not_for_others(self, bench, runs, monkeypatch):
        from bench.measuring import timing

        outcomes = []

        def run_meanwhile(*_):
            outcomes.append(bench.small(runs, "random_rnas_mer"))
            raise KeyboardInterrupt

        monkeypatch.setattr(timing, "measure", run_meanwhile)
        interrupted = bench("time", *VARIANT, *QUICK)
        assert interrupted.code == 130
        assert interrupted.error.startswith("error: interrupted")
        (refused,) = outcomes
        assert refused.code == 1
        assert "a timing run has this machine to itself: process " in refused.error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to measure"),
        (["--variant", "rnas_mer", "--precision", "tf32"], "tf32 exists on GPUs only"),
        (["--variant", "rnas_mer", "--evaluation", "fast"], "add --supernet"),
        (["--variant", "rnas_mer", "--batch", "0"], "'--batch'"),
        (["--variant", "rnas_mer", "--batch"], "'--batch' requires an argument"),
        (["--variant", "rnas_mer", "--repeats", "1"], "'--repeats'"),
        (["--variant", "rnas_mer", "--compile", "hard"], "'--compile'"),
    ],
)
def test_misuse_is_one_line(bench, arguments, said):
    outcome = bench("time", *arguments)
    assert said in outcome.error
    assert (outcome.code, outcome.out) == (2, "")
