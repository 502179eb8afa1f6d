from built_tables import rows_of, table, texts


def test_table_5_takes_its_figures_from_the_profile(record):
    profile = {"params": 2_000_000, "checkpoint_mb": 16.0}
    small = {"params": 1_683, "checkpoint_mb": 0.013464}
    built = table(
        5,
        record(profile=profile, metrics=None),
        record(dataset="samm", profile=small),
        record(dataset="casme2"),
    )
    on_smic, on_samm = rows_of(built, "rnas_mer")
    assert texts(on_smic.measured) == {"params_m": "2.00", "memory_mb": "16.00"}
    assert texts(on_samm.measured) == {"params_m": "0.0017", "memory_mb": "0.0135"}
    assert on_smic.marks == ("on SMIC",)
    assert on_smic.published["params_m"].text == "1.91"
