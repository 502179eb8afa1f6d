from itertools import chain

import pytest
from built_tables import table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.methods.registry import variants
from reports.tables.build import NUMBERS, paper_table

RUNNABLE = ("rnas_mer", "rnas_mer_1", "rnas_mer_4b", "random_rnas_mer", "mine")
SETS = ("smic", "casme2", "samm", "composite", "manifest:own.csv")


@pytest.mark.parametrize(
    ("variant", "numbers"),
    [
        ("rnas_mer", (2, 4, 5)),
        ("random_rnas_mer", (2, 4, 5)),
        ("rnas_mer_1", (4, 5)),
        ("random_rnas_mer_1", (4, 5)),
        ("rnas_mer_4b", (4, 5)),
        ("random_rnas_mer_4b", (4, 5)),
        ("autodeeplab_3d", (2, 5)),
        ("somebody_elses", (2, 5)),
    ],
)
def test_each_variant_has_its_tables(variant, numbers):
    shown = [number for number in NUMBERS if paper_table(number).shows(variant, variants())]
    assert tuple(shown) == numbers


def test_an_unknown_table_is_a_key_error(record):
    with pytest.raises(KeyError):
        table(1, record())


keys = st.tuples(
    st.sampled_from(RUNNABLE),
    st.sampled_from(SETS),
    st.booleans(),
    st.sampled_from(("smoke", "small")),
    st.sampled_from(("aaaa1111", "bbbb2222")),
    st.integers(0, 2),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(chosen=st.lists(keys, unique=True, max_size=12), number=st.sampled_from((2, 4, 5)))
def test_laws_of_every_table(record, chosen, number):
    """Rows never mix conditions, columns never mix data sets, published never moves, order is
    nothing, and every variant that belongs here is shown once per data set and kind."""
    runs = [
        record(
            variant=variant,
            dataset=dataset,
            surrogate=surrogate,
            preset=preset,
            config_hash=digest,
            seed=seed,
            profile={"params": 1000, "checkpoint_mb": 1.0},
        )
        for variant, dataset, surrogate, preset, digest, seed in chosen
    ]
    by_folder = {str(run.folder): run for run in runs}
    built = table(number, *runs)
    assert table(number, *reversed(runs)).rows == built.rows
    empty = {row.method: row for row in table(number).rows}
    for row in built.rows:
        used = [by_folder[folder] for folder in row.runs]
        assert len({(r.variant, r.surrogate, r.preset, r.config_hash) for r in used}) <= 1
        assert all(r.surrogate == ("surrogate" in row.marks) for r in used)
        if row.source == "measured" and number != 5:
            filled = {column.split("_")[0] for column, cell in row.measured.items() if cell}
            assert filled == {r.dataset for r in used}
        if row.method in empty:
            assert row.published == empty[row.method].published
        else:
            assert not any(row.published.values())
    shown = [by_folder[f] for f in chain.from_iterable(row.runs for row in built.rows)]
    expected = {
        (r.variant, r.dataset, r.surrogate)
        for r in runs
        if paper_table(number).shows(r.variant, variants())
        and (number == 5 or not r.dataset.startswith("manifest:"))
    }
    assert {(r.variant, r.dataset, r.surrogate) for r in shown} == expected
