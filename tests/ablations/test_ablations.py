"""Table 3 of the paper, row by row, written out by hand."""

import pytest

import ablations
from bench.methods.registry import variants
from rnas.space import DARTS_OPERATIONS, HYBRID_OPERATIONS
from rnas.trellis import OPEN

H, D = HYBRID_OPERATIONS, DARTS_OPERATIONS
TABLE_3 = {
    "rnas_mer": (H, 4, True, True),
    "rnas_mer_1": (D, 1, False, False),
    "rnas_mer_2": (D, 4, True, True),
    "rnas_mer_3": (H, 4, True, False),
    "rnas_mer_4": (H, 1, False, True),
    "rnas_mer_4b": (H, 4, False, True),
}
"""Operations, b of the partial connections, edge normalisation, attention."""


@pytest.mark.parametrize("name", TABLE_3)
def test_a_row_of_table_3(name):
    space = variants()[name].space
    row = (space.operations, space.partial, space.edge_norm, space.attention)
    assert row == TABLE_3[name]
    assert space.outer == OPEN


@pytest.mark.parametrize("name", TABLE_3)
def test_what_is_not_ablated_is_the_same_in_every_row(name):
    space, reference = variants()[name].space, ablations.RNAS_MER
    for setting in ("nodes", "channels", "reduction", "kernels", "dilated", "attention_form"):
        assert getattr(space, setting) == getattr(reference, setting)
    assert (space.nodes, space.channels, space.derived_partial) == (3, 8, False)


def test_every_value_of_the_package_is_registered_under_its_name():
    values = {
        value.name: value
        for value in vars(ablations).values()
        if isinstance(value, type(ablations.RNAS_MER))
    }
    assert set(values) == set(TABLE_3)
    assert all(variants()[name].space is value for name, value in values.items())


def test_4b_differs_from_the_method_in_edge_normalisation_alone():
    as_method = ablations.RNAS_MER_4B.resized(
        name=ablations.RNAS_MER.name,
        summary=ablations.RNAS_MER.summary,
        edge_norm=True,
        size_target=ablations.RNAS_MER.size_target,
        groups=ablations.RNAS_MER.groups,
        marks=(),
    )
    assert as_method == ablations.RNAS_MER
    assert "ours" in ablations.RNAS_MER_4B.marks
    assert ablations.RNAS_MER_4B.size_target is None


def test_only_what_the_paper_lists_is_unmarked_and_has_a_published_size():
    for name in TABLE_3:
        space = variants()[name].space
        assert (space.size_target is None) == ("ours" in space.marks)


def test_the_ablation_group_holds_all_rows_but_the_method_itself():
    members = {name for name, entry in variants().items() if "ablation" in entry.groups}
    assert members == set(TABLE_3) - {"rnas_mer"}
