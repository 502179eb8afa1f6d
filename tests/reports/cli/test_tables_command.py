import csv
import io
import json

import pytest
from click.testing import CliRunner

from bench.errors import UsageError
from reports.cli.tables import tables


@pytest.fixture
def invoke(tmp_path):
    """Runs `bench tables` on `tmp_path / "runs"`; errors for people are raised."""

    def run(*arguments):
        arguments = [*map(str, arguments), "--runs", str(tmp_path / "runs")]
        return CliRunner().invoke(tables, arguments, catch_exceptions=False)

    return run


def rows(result):
    return json.loads(result.stdout)["rows"]


def test_without_runs_it_prints_the_published_side_and_says_what_to_do(invoke):
    result = invoke()
    assert result.exit_code == 0
    assert result.stdout.count("**Table ") == 4 and "0.9029" in result.stdout
    (line,) = result.stderr.splitlines()
    assert "no finished run in" in line and "bench run --variant" in line


def test_tables_come_in_the_order_asked_for_each_once(invoke):
    result = invoke("--table", "4", "--table", "2", "--table", "4", "--format", "json")
    assert [each["table"] for each in json.loads(result.stdout)] == [4, 2]


def test_a_run_is_shown_beside_the_paper(invoke, write_run):
    write_run(surrogate=True, uar=0.625)
    result = invoke("--table", "4", "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    (row,) = (each for each in rows(result) if each["source"] == "measured")
    assert row["method"] == "RNAS-MER" and row["marks"] == ["surrogate"]
    assert (row["published"]["smic_uar"], row["measured"]["smic_uar"]) == (0.7620, 0.625)


def test_preset_and_configuration_choose(invoke, write_run):
    write_run(preset="smoke", config_hash="aaaa1111", uar=0.25, started="2025-01-01")
    write_run(preset="small", config_hash="bbbb2222", uar=0.75, started="2024-01-01")

    def shown(*options):
        result = invoke("--table", "4", "--format", "json", *options)
        (row,) = (each for each in rows(result) if each["source"] == "measured")
        return row["measured"]["smic_uar"]

    assert shown() == 0.25
    assert shown("--preset", "small") == 0.75
    assert shown("--config-hash", "bbbb") == 0.75
    assert shown("--config", "bbbb") == 0.75  # as earlier versions had it
    assert "--config bbbb is --config-hash bbbb from now on" in invoke("--config", "bbbb").stderr
    result = invoke("--preset", "paper", "--config-hash", "cccc")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert "--preset paper --config-hash cccc" in line and "small-bbbb2222" in line


def test_corrupt_folders_are_named_and_the_rest_is_shown(invoke, write_run):
    write_run(uar=0.5)
    broken = write_run(variant="rnas_mer_1")
    (broken / "metrics.json").write_text('{"uar": ')
    foreign = write_run(variant="rnas_mer_2")
    (foreign / "run.json").write_text("[]")
    partial = write_run(variant="rnas_mer_3")
    (partial / "metrics.json").write_text('{"uar": 0.5}')
    result = invoke("--table", "4", "--format", "json")
    assert result.exit_code == 1
    said = result.stderr.splitlines()
    assert len(said) == 3
    for name in ("rnas_mer_1", "rnas_mer_2", "rnas_mer_3"):
        assert sum(f"/{name}/" in line for line in said) == 1
    assert [row["variant"] for row in rows(result) if row["source"] == "measured"] == ["rnas_mer"]


def test_unfinished_runs_are_named_and_are_no_failure(invoke, write_run):
    write_run(metrics=None, done=3)
    result = invoke("--table", "4")
    assert result.exit_code == 0
    unfinished, none = result.stderr.splitlines()
    assert "3 of 16 folds" in unfinished and "no finished run" in none


def test_many_unfinished_runs_are_one_line(invoke, write_run):
    for seed in range(5):
        write_run(metrics=None, done=3, seed=seed)
    unfinished, _ = invoke("--table", "4").stderr.splitlines()
    assert unfinished.startswith("5 runs are unfinished") and "2 more" in unfinished
    assert [f"/seed{seed} (3 of 16 folds)" in unfinished for seed in range(5)] == [True] * 3 + 2 * [
        False
    ]


def test_a_profile_is_shown_before_the_folds_are_finished(invoke, write_run):
    write_run(metrics=None, done=3, profile={"params": 1_500_000, "checkpoint_mb": 12.0})
    result = invoke("--table", "5", "--format", "json")
    (row,) = (each for each in rows(result) if each["source"] == "measured")
    assert row["measured"] == {"params_m": 1.5, "live_m": None, "memory_mb": 12.0}


def test_out_writes_the_same_text(invoke, tmp_path, write_run):
    write_run()
    shown = invoke("--format", "md").stdout
    result = invoke("--format", "md", "--out", tmp_path / "new" / "tables.md")
    assert result.stdout == ""
    assert (tmp_path / "new" / "tables.md").read_text() == shown


def test_csv_is_a_file_per_table_with_the_marks_and_every_digit(invoke, tmp_path, write_run):
    write_run(uar=0.1 + 0.2, surrogate=True)
    sheets = invoke("--format", "csv", "--health", "--table", 4, "--table", 5).stdout.split("\n\n")
    out = tmp_path / "sheets"
    result = invoke("--format", "csv", "--health", "--table", 4, "--table", 5, "--out", out)
    assert result.stdout == ""
    names = ("table4", "table5", "health")
    written = [(out / f"{name}.csv").read_text() for name in names]
    assert sorted(out.iterdir()) == sorted(out / f"{name}.csv" for name in names)
    assert [text.strip("\n") for text in written] == [sheet.strip("\n") for sheet in sheets]
    (row,) = (row for row in csv.DictReader(io.StringIO(written[0])) if row["source"] == "measured")
    assert (row["smic_uar"], row["marks"]) == (str(0.1 + 0.2), "surrogate")


def test_a_csv_file_holds_one_table(invoke, tmp_path, write_run):
    write_run()
    file = tmp_path / "one.csv"
    assert invoke("--format", "csv", "--table", 4, "--out", file).exit_code == 0
    assert file.read_text() == invoke("--format", "csv", "--table", 4).stdout
    with pytest.raises(UsageError, match=r"one CSV file.*4 tables; name a folder"):
        invoke("--format", "csv", "--out", tmp_path / "other.csv")
    assert not (tmp_path / "other.csv").exists()


def test_out_that_cannot_be_written_is_one_line(invoke, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"--out .*cannot be written") as caught:
        invoke("--out", tmp_path / "file" / "tables.md")
    assert "\n" not in str(caught.value)


def test_runs_that_is_a_file_is_one_line(invoke, tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        invoke()


@pytest.mark.parametrize("arguments", [("--table", "1"), ("--format", "pdf"), ("--tabel", "2")])
def test_misuse_exits_with_2(invoke, arguments):
    assert invoke(*arguments).exit_code == 2
