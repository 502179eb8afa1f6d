"""`python -m reports.docs.notebooks` runs docs/notebooks and keeps what they show in them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

NOTEBOOKS = Path("docs/notebooks")


def refresh(folder: Path) -> None:
    """Runs every notebook of a folder in an empty one, and writes it back with its output.

    Times and progress are left out. Needs the extra `notebooks`; raises nbclient's
    CellExecutionError where a cell fails.
    """
    import nbformat
    from nbclient import NotebookClient

    os.environ["PYTHONWARNINGS"] = "ignore"
    for file in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(file, as_version=4)
        with tempfile.TemporaryDirectory() as place:
            NotebookClient(notebook, resources={"metadata": {"path": place}}).execute()
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
            if cell.cell_type == "code":
                cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
        nbformat.write(notebook, file)


if __name__ == "__main__":
    refresh(NOTEBOOKS)
