"""Imports run downwards; what lists, draws tables and names settings imports nothing heavy."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from networkx import DiGraph, strongly_connected_components

ROOT = Path(__file__).parents[1]
UPWARDS = {("bench.config.loading", "bench.methods.registry")}
"""A preset has a table of a variant's own training, whose name is looked up."""

PACKAGES = ("rnas", "baselines", "ablations", "bench", "reports")

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


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What lies below a node, but for what type checkers alone are told."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from _nodes(child)


def _imports(path: Path) -> set[str]:
    """The modules that a file imports, at once or when a function is called, by full names."""
    found = list(_nodes(ast.parse(path.read_text("utf-8"))))
    names = {alias.name for node in found if isinstance(node, ast.Import) for alias in node.names}
    for node in found:
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _circles(packages: Sequence[str], depth: int) -> list[set[str]]:
    """Circles among the modules of packages, taken together by the first `depth` names."""
    paths = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    ours = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}
    graph = DiGraph()
    for name, path in ours.items():
        for imported in _imports(path):
            known = next((m for m in (imported, imported.rpartition(".")[0]) if m in ours), "")
            ends = [".".join(each.split(".")[:depth]) for each in (name, known)]
            if known and ends[0] != ends[1] and (name, known) not in UPWARDS:
                graph.add_edge(*ends)
    return [found for found in strongly_connected_components(graph) if len(found) > 1]


@pytest.mark.parametrize(
    ("packages", "depth"),
    [
        pytest.param(PACKAGES, 1, id="packages"),
        pytest.param(("bench", "reports"), 2, id="rooms"),
        pytest.param(PACKAGES, 9, id="modules"),
    ],
)
def test_imports_run_downwards(packages, depth):
    assert _circles(packages, depth) == []
