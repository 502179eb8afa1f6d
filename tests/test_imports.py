"""What lists, draws tables and names settings starts fast: it imports nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ("torch", "numpy", "pandas", "matplotlib", "networkx", "PIL")
WITHOUT_ANY = (
    *("rnas", "rnas.space", "rnas.trellis", "rnas.genotype", "rnas.decode"),
    *("baselines.fixed", "baselines.peers"),
    *("bench.protocol.metrics", "bench.data.steps.pipeline", "bench.data.cache"),
    *("bench.training.augment", "reports.figures", "reports.cli.figures", "reports.cli.api"),
)
WITHOUT_TORCH = ("bench.data.surrogates.writing",)

PROGRAM = """
import importlib, json, sys
*names, heavy = sys.argv[1:]
for name in names:
    importlib.import_module(name)
    print(json.dumps([name, [each for each in heavy.split() if each in sys.modules]]))
"""


def test_modules_that_every_command_needs_import_nothing_heavy():
    """In one process: what a module imports is there for the next, too."""
    names = (*WITHOUT_ANY, *WITHOUT_TORCH)
    command = [sys.executable, "-c", PROGRAM, *names, " ".join(HEAVY)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = dict(map(json.loads, done.stdout.splitlines()))
    assert {name: found[name] for name in WITHOUT_ANY} == {name: [] for name in WITHOUT_ANY}
    assert not [name for name in WITHOUT_TORCH if "torch" in found[name]]
