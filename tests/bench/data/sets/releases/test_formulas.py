"""Formulas in a coding spreadsheet whose values are not in the file are no blank cells."""

from __future__ import annotations

import pytest

from bench.data.sets.catalogue import load_clips


@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("formula", ["=B3", "=1/0"])
def test_a_row_with_a_formula_is_told_with_it(tmp_path, trees, column, formula):
    row = [1, "EP02_01f", 46, 48, 50, "happiness"]
    row[column] = formula
    trees.casme2(tmp_path / "CASME2", [row])
    trees.frames(tmp_path / "CASME2" / "Cropped" / "sub01" / "EP02_01f", range(46, 51))
    found = load_clips("casme2", tmp_path)
    assert any(formula in problem.where + problem.what.upper() for problem in found.problems)
    assert not found.clips or column == 3  # an apex is found by the other rule, and that is told
