from dataclasses import replace
from types import SimpleNamespace

import pytest
from built_tables import rows_of, table

from bench.methods.registry import variants
from bench.runs.searches import SearchRecord
from reports.reading import marks
from reports.reading.groups import RunGroup
from reports.tables.build import build_table


def test_cells_of_different_seed_counts_say_so(record):
    built = table(4, record(seed=0), record(seed=1), record(dataset="samm"))
    (row,) = rows_of(built, "rnas_mer")
    assert row.marks == ("seeds: SMIC 2, SAMM 1",)


def test_a_variants_own_marks_stand_in_its_rows(record):
    known = dict(variants())
    known["rnas_mer"] = replace(known["rnas_mer"], marks=("reconstruction",))
    built = build_table(4, [record()], known)
    (row,) = rows_of(built, "rnas_mer")
    assert "reconstruction" in row.marks
    assert any(note.startswith("reconstruction: ") for note in built.notes)


def test_differing_configurations_are_named_in_every_row(record):
    runs = (record(), record(variant="rnas_mer_1", config_hash="bbbb2222"))
    built = table(4, *runs)
    assert rows_of(built, "rnas_mer")[0].marks == ("small-aaaa1111",)
    assert rows_of(built, "rnas_mer_1")[0].marks == ("small-bbbb2222",)
    assert "small-aaaa1111" in built.notes[0] and "small-bbbb2222" in built.notes[0]
    assert rows_of(table(4, runs[0]), "rnas_mer")[0].marks == ()


def test_a_changed_factor_and_new_people_stand_in_the_row(record):
    config = {"space": {"attention": "false", "partial": 1}, "data": {"fresh_seed": 1}}
    (row,) = rows_of(table(4, record(config=config)), "rnas_mer")
    assert {"attention=false", "partial=1", "fresh"} <= set(row.marks)
    assert not any("of 16 subjects" in mark for mark in row.marks)


def test_random_controls_of_the_same_networks_say_so(record):
    built = table(4, *(record(variant=f"random_{name}") for name in ("rnas_mer", "rnas_mer_4")))
    same = "same networks as random_rnas_mer at equal F"
    assert same in rows_of(built, "random_rnas_mer_4")[0].marks
    assert same not in rows_of(built, "random_rnas_mer")[0].marks


ONE = SearchRecord(space="s", path=(2, 2), edges=((0, 1),), operations=("a",))
OTHER = SearchRecord(space="s", path=(2, 4), edges=((0, 1),), operations=("a",))


@pytest.mark.parametrize(
    ("found", "told"),
    [((ONE, ONE), True), ((ONE,) * 3, True), ((ONE,), False), ((ONE, OTHER, ONE), False)],
)
def test_folds_that_all_found_one_genotype_are_told_and_not_called_leaky(monkeypatch, found, told):
    monkeypatch.setattr(marks, "_own_searches", lambda record: found)
    record = SimpleNamespace(setting=lambda section, name, default=None: "found")
    own = tuple(marks.search_marks(record))
    assert own == ("strategy found", *([marks.ONE_GENOTYPE] if told else []))
    assert not any(map(marks.is_caveat, own))


UNDECIDED = replace(ONE, path_is_uniform=True)


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        (((ONE,), (ONE,)), True),
        (((ONE, ONE), (ONE, ONE), (ONE, ONE)), True),
        (((ONE,), ()), False),  # one alone has searched
        (((ONE,), (OTHER,)), False),
        (((ONE, OTHER), (ONE, OTHER)), False),
        (((UNDECIDED,), (UNDECIDED,)), False),
    ],
)
def test_seeds_that_all_found_one_genotype_are_told(record, monkeypatch, seeds, told):
    monkeypatch.setattr(marks, "_own_searches", lambda record: seeds[record.seed])
    group = RunGroup(tuple(record(seed=seed) for seed in range(len(seeds))))
    assert (marks.SEEDS_AGREE in group.conditions) == told
