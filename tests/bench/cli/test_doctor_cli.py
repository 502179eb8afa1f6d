import json
import subprocess
import sys

from tiny_runs import Bench


def test_json_is_a_list_of_findings(bench, tmp_path):
    outcome = bench("doctor", "--format", "json", "--runs", tmp_path / "runs")
    assert (outcome.code, outcome.err) == (0, "")
    findings = json.loads(outcome.out)
    assert all({"name", "state", "found", "advice"} <= finding.keys() for finding in findings)
    assert "import torch" in {finding["name"] for finding in findings}


def test_the_table_has_every_finding_once_below_its_topic(bench, tmp_path):
    listed = json.loads(bench("doctor", "--format", "json", "--runs", tmp_path).out)
    lines = bench("doctor", "--runs", tmp_path).out.splitlines()
    topics = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert topics == ["software:", "machine:", "folders:", "data:", "tools:", "commands:"]
    for finding in listed:
        assert sum(finding["state"] in line and finding["name"] in line for line in lines) >= 1


def test_licensed_data_is_found_and_counted(bench, licensed, tmp_path):
    outcome = bench("doctor", "--data-root", licensed, "--runs", tmp_path)
    assert outcome.code == 0
    assert "12 of 164 clips, 4 of 16 subjects" in outcome.out
    by_variable = bench("doctor", "--runs", tmp_path, BENCH_DATA=licensed)
    assert "12 of 164 clips" in by_variable.out


def test_something_required_that_is_broken_ends_in_1(clip_cache, tmp_path):
    (tmp_path / "file").write_text("")
    outcome = Bench(tmp_path / "file" / "cache")("doctor", "--format", "json")
    assert outcome.code == 1
    states = {finding["name"]: finding["state"] for finding in json.loads(outcome.out)}
    assert states["cache folder"] == states["bench run --surrogate"] == "missing"
    outcome = Bench(clip_cache)("doctor", "--runs", tmp_path / "file" / "runs")
    assert outcome.code == 1 and "name another folder with --runs" in outcome.out


def test_without_torch_it_says_so_and_exits_with_1(tmp_path):
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from bench.cli import main\n"
        f"main(['doctor', '--runs', {str(tmp_path)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert "lacks import torch" in done.stdout
