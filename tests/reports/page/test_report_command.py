import re
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner
from real_runs import CONTROL, SEARCHED, change, folder_of, keep_only

from bench.errors import UsageError
from reports.cli.report import report


@pytest.fixture
def one(runs):
    """A folder with a single run, the one that is drawn soonest."""
    return keep_only(runs, CONTROL)


@pytest.fixture
def invoke(tmp_path):
    """Runs `bench report`; the page is at `tmp_path / "report.html"`; errors are raised."""

    def run(runs, *arguments):
        arguments = ["--runs", runs, "--out", tmp_path / "report.html", *arguments]
        return CliRunner().invoke(report, list(map(str, arguments)), catch_exceptions=False)

    return run


@pytest.fixture
def page(tmp_path):
    return lambda: (tmp_path / "report.html").read_text()


def shown(html):
    """Names of the variants in the list of runs."""
    return re.findall(r"<th scope=\"row\"><a href=\"#run-[^\"]*\">([^<]*)</a>", html)


def test_it_says_what_was_written(invoke, page, one):
    result = invoke(one, "--title", "My runs")
    assert result.exit_code == 0
    assert re.fullmatch(r"wrote .*/report\.html: \d+\.\d MB, 1 run", result.stdout.strip())
    assert shown(page()) == ["random_rnas_mer_3"]
    assert "<title>My runs</title>" in page()


def test_a_broken_run_is_named_and_left_out(invoke, page, runs):
    keep_only(runs, CONTROL, SEARCHED)
    (folder_of(runs, SEARCHED) / "run.json").write_text('{"variant": ')
    result = invoke(runs)
    assert result.exit_code == 1
    assert "1 run, 1 left out" in result.stdout
    assert (
        sum("rnas_mer_3/" in line and "run.json" in line for line in result.stderr.splitlines())
        == 1
    )
    assert shown(page()) == ["random_rnas_mer_3"]
    assert "run.json cannot be read" in page()


@pytest.mark.parametrize("metrics", ["[]", '{"uar": Infinity, "uf1": 0, "acc": 0}'])
def test_metrics_that_are_none_leave_the_run_out(invoke, one, metrics):
    (folder_of(one, CONTROL) / "metrics.json").write_text(metrics)
    result = invoke(one)
    assert result.exit_code == 1 and "0 runs, 1 left out" in result.stdout


@pytest.mark.parametrize("config", [[1], {"data": 3}, "x"])
def test_a_run_json_of_another_shape_leaves_the_run_out(invoke, page, runs, config):
    keep_only(runs, CONTROL, SEARCHED)
    change(folder_of(runs, SEARCHED) / "run.json", lambda run: run.update(config=config))
    result = invoke(runs)
    assert result.exit_code == 1
    assert "run.json: no run of this harness ('config" in result.stderr
    assert shown(page()) == ["random_rnas_mer_3"]


def test_a_broken_file_of_a_shown_run_is_named(invoke, page, one):
    (folder_of(one, CONTROL) / "folds" / "s05.json").write_text("nonsense")
    result = invoke(one)
    assert result.exit_code == 1
    assert "s05.json" in result.stderr and "Files that cannot be read" in page()


def test_an_unfinished_run_is_shown_and_no_failure(invoke, page, one):
    folder = folder_of(one, CONTROL)
    (folder / "metrics.json").unlink()
    (folder / "folds" / "s06.json").unlink()
    result = invoke(one)
    assert (result.exit_code, "1 unfinished" in result.stdout) == (0, True)
    assert "Folds without a result: s06." in page() and "2 of 3 folds finished" in page()


def test_configurations_do_not_mix_and_choose(invoke, page, one):
    folder = folder_of(one, CONTROL)
    other = shutil.copytree(folder.parent, folder.parents[1] / "paper-bbbb2222") / "seed0"
    change(other / "run.json", lambda run: run.update(preset="paper", config_hash="bbbb2222"))
    assert invoke(one).exit_code == 0
    assert len(shown(page())) == 2 and "is the latest of 2" in page()
    for chosen in (("--preset", "paper"), ("--config-hash", "bbbb")):
        assert invoke(one, *chosen).exit_code == 0
        assert len(shown(page())) == 1 and "paper-bbbb2222" in page()
    result = invoke(one, "--preset", "small")
    assert result.exit_code == 0 and "there: paper-bbbb2222, smoke-" in result.stderr


def test_no_run_is_said_with_what_to_do(invoke, page, tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        result = invoke(folder)
        assert result.exit_code == 0 and "make one: bench run" in result.stderr
    assert "No run yet" in page()


def test_out_may_be_a_folder(invoke, one, tmp_path):
    result = invoke(one, "--out", tmp_path)
    assert result.exit_code == 0 and (tmp_path / "report.html").exists()


def test_out_that_cannot_be_written_is_one_line(invoke, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"--out .*cannot be written") as caught:
        invoke(tmp_path / "runs", "--out", tmp_path / "file" / "report.html")
    assert "\n" not in str(caught.value)


def test_runs_that_is_a_file_is_one_line(invoke, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        invoke(tmp_path / "file")


def test_health_and_report_start_without_the_heavy_packages(made_runs, one, tmp_path):
    page = str(tmp_path / "report.html")
    program = f"""
import sys
from reports.cli.report import report
from reports.cli.tables import tables
tables(['--health', '--runs', {str(made_runs)!r}], standalone_mode=False)
assert not {{'torch', 'pandas', 'numpy', 'matplotlib'}} & set(sys.modules)
report(['--runs', {str(one)!r}, '--out', {page!r}], standalone_mode=False)
assert not {{'torch', 'pandas'}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
