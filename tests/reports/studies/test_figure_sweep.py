"""Table and picture of `bench sweep`."""

from __future__ import annotations

import pytest
from looks import cut_off, overlapping, texts, words_on

from reports.studies.sweep import draw_sweep, sweep_csv, sweep_page

SD = {"seed_sd": 0.01, "genotype_sd": 0.1}


def record(settings, variants, chosen=None):
    return {
        "variant": "+".join(variants),
        "dataset": "smic",
        "surrogate": True,
        "preset": "small",
        "genotypes": 2,
        "seeds": [0, 1],
        "trained_below": 0.7,
        "chosen": chosen,
        "rows": [
            {
                "variant": variant,
                **dict(zip(("epochs", "lr", "warmup"), setting, strict=True)),
                "networks": 4,
                "trained": 0.75,
                "loss": {"low": 0.1, "median": 0.3, "high": 1.1, **SD},
                "losses": [[0.1, 0.2], [0.4, 1.1]],
                "uar": {"mean": 0.6, **SD},
                "uars": [[0.5, 0.6], [0.6, 0.7]],
            }
            for setting in settings
            for variant in variants
        ],
    }


MANY = [(epochs, lr, warmup) for epochs in (20, 40) for lr in (0.005, 0.05) for warmup in (0, 0.1)]
VARIANTS = ("autodeeplab_3d", "automer_3d", "rnas_mer", "rnas_mer_1", "rnas_mer_2", "rnas_mer_3")


@pytest.mark.parametrize(
    ("settings", "variants"), [(MANY, VARIANTS), ([(20, 0.01, 0.0)], ("rnas_mer",))]
)
def test_every_word_is_legible(settings, variants):
    figure = draw_sweep(record(settings, variants))
    boxes = texts(figure)
    assert not cut_off(figure, boxes)
    assert not overlapping(boxes)
    assert any("SMIC-HS (surrogate)" in words for words in words_on(figure))
    assert set(variants) <= set(words_on(figure))
    assert not any("$" in words for words in words_on(figure))


def test_the_table_says_what_was_chosen():
    chosen = {"epochs": 40, "lr": 0.01, "warmup": 0.1}
    text = sweep_page(record(MANY, VARIANTS, chosen))
    assert "`train.lr=0.01`, `train.warmup=0.1`, `train.epochs=40`" in text
    assert text.startswith(f"**{'+'.join(VARIANTS)} on smic (surrogate), preset small.**")
    assert "No setting trains" in sweep_page(record(MANY, VARIANTS))


def test_the_csv_has_a_line_per_network():
    lines = sweep_csv(record(MANY[:2], VARIANTS[:2])).splitlines()
    assert len(lines) == 1 + 2 * 2 * 2 * 2
    assert lines[1] == "autodeeplab_3d,20,0.005,0,0,0,0.1,0.5"
