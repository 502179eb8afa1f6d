"""`bench` itself: its help, and that what is cheap starts without torch."""

from __future__ import annotations

import json
import subprocess
import sys


def test_bench_alone_shows_its_help(bench):
    outcome = bench()
    assert outcome.code == 2
    assert outcome.err.startswith("Usage: bench")
    assert "Traceback" not in outcome.err


def test_python_m_bench_is_bench(bench):
    process = subprocess.run(
        [sys.executable, "-m", "bench", "list", "variants", "--format", "json"],
        env=bench.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0
    assert process.stdout == bench("list", "variants", "--format", "json").out


def test_listings_tables_and_cheap_mistakes_start_without_torch(bench, runs, tmp_path):
    """In one new process: after each command, what was imported that takes long."""
    script = """
import json, sys
from bench.cli import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit:
        there = [name for name in ("torch", "pandas", "numpy") if name in sys.modules]
        print(json.dumps([words, there]), file=sys.stderr)
"""
    commands = [
        ["--help"],
        ["run", "--help"],
        ["completion", "bash"],
        ["config", "show"],
        ["list", "variants"],
        ["list", "datasets"],
        ["list", "strategies"],
        ["list", "operations"],
        ["list", "presets"],
        ["list", "presets", "paper"],
        ["list", "runs", "--runs", str(runs)],
        ["tables", "--runs", str(runs)],
        ["tables", "--health", "--runs", str(runs)],
        ["data", "check", "--help"],
        ["run", "--variant", "rnas_mre", "--dataset", "smic"],
        ["run", "--variant", "rnas_mer", "--dataset", "smic"],
        ["run", "--variant", "rnas_mer", "--dataset", "smic", "--set", "data.size=x"],
        ["audit", "--counts", "5,5", "--acc", ".5"],  # which needs numpy
    ]
    process = subprocess.run(
        [sys.executable, "-c", script, json.dumps(commands)],
        env=bench.environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in process.stderr.splitlines() if line.startswith("[[")]
    assert answers == [*([words, []] for words in commands[:-1]), [commands[-1], ["numpy"]]]
    assert not list(tmp_path.iterdir())
