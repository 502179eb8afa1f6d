from dataclasses import replace

from built_tables import rows_of, table

from bench.methods.registry import variants
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
