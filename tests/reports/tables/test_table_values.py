import math

import numpy as np
import pytest
from built_tables import table
from hypothesis import given
from hypothesis import strategies as st

from reports.tables.table import mean_cell


def test_a_run_with_folds_missing_is_no_best_beside_whole_ones(record):
    built = table(
        4,
        record("rnas_mer", uar=0.9, done=3),
        record("rnas_mer_1", uar=0.5),
        record("rnas_mer_2", uar=0.4),
    )
    best = {built.rows[i].variant for i, side, _ in built.best if side == "measured"}
    assert best == {"rnas_mer_1"}


@given(st.lists(st.one_of(st.none(), st.just(math.nan), st.floats(0, 1)), max_size=6))
def test_mean_cell_is_mean_and_sample_deviation_of_what_is_there(values):
    there = [value for value in values if value is not None and not math.isnan(value)]
    cell = mean_cell(values, "{:.4f}".format)
    if not there:
        assert cell is None
        return
    assert cell.value == pytest.approx(np.mean(there))
    assert cell.seeds == len(there)
    if len(there) > 1:
        assert cell.sd == pytest.approx(np.std(there, ddof=1), abs=1e-12)
    else:
        assert cell.sd is None and cell.text == f"{there[0]:.4f}"
