"""docs/notebooks: every cell runs, in an empty folder, on clips of few pixels."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas
import pytest
from matplotlib import pyplot

from bench.data.sources import load
from bench.engine import units
from bench.methods import registry
from bench.system import packages

FOLDER = Path(__file__).parents[3] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

SHORTER = {
    'epochs": 40}': 'epochs": 4, "data.flow_side": 32}',
    'epochs": 200}': 'epochs": 20}',
    '"train.epochs": 10': '"train.epochs": 2',
    "range(3)": "range(2)",  # few enough clips for this process
}
"""What takes long in a notebook -> what does here."""


def source(notebook: Path) -> str:
    cells = json.loads(notebook.read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    for long, short in SHORTER.items():
        code = code.replace(long, short)
    return code


@pytest.fixture
def place(bench, tmp_path, monkeypatch):
    """An empty folder in which packages are looked for; what was found in it is forgotten."""
    for name, value in bench.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(units, "profile", bench.profile)
    load.cache_clear()
    packages.forget()
    registry.variants.cache_clear()
    with pandas.option_context("display.max_colwidth", 50):
        yield
    pyplot.close("all")
    sys.modules.pop("my_network", None)
    packages.forget()
    registry.variants.cache_clear()


def test_there_are_notebooks_with_their_output():
    assert len(NOTEBOOKS) == 3
    for notebook in NOTEBOOKS:
        cells = json.loads(notebook.read_text())["cells"]
        assert any(cell.get("outputs") for cell in cells)
        text = notebook.read_text()
        assert str(FOLDER.parents[1]) not in text and "Traceback" not in text


@pytest.mark.usefixtures("place", "one_thread")
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs(notebook):
    exec(compile(source(notebook), notebook.name, "exec"), {})
