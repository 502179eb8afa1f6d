from built_tables import rows_of, table, texts


def test_table_5_takes_its_figures_from_the_profile(record):
    live = {"live_parameters": 1_390_000, "live_share": 0.695}
    profile = {"params": 2_000_000, **live, "checkpoint_mb": 16.0}
    small = {"params": 1_683, "checkpoint_mb": 0.013464}
    built = table(
        5,
        record(profile=profile, metrics=None),
        record(dataset="samm", profile=small),
        record(dataset="casme2"),
    )
    on_smic, on_samm = rows_of(built, "rnas_mer")
    sizes = {"params_m": "2.00", "live_m": "1.39", "memory_mb": "16.00"}
    assert texts(on_smic.measured) == sizes
    older = {"params_m": "0.0017", "memory_mb": "0.0135"}
    assert texts(on_samm.measured) == older
    assert on_smic.marks == ("on SMIC", "dead weights")
    assert on_samm.marks == ("on SAMM",)
    assert any(note.startswith("dead weights: ") for note in built.notes)
    assert on_smic.published["params_m"].text == "1.91"
