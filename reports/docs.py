"""Pages of `docs/` that are computed: `python -m reports.docs` writes them anew."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

DOCS = Path("docs")

DRAWS = 2000
"""Random genotypes per search space in `docs/sizes.md`."""

SEED = 0
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
CLASSES = 3


def settings_page() -> str:
    """Every setting with its value in each preset, and whether the paper publishes it."""
    from bench.config import load_config, preset_names, settings_table

    presets = {name: load_config(name).to_dict() for name in preset_names()}
    rows = []
    for key, _, published, meaning in settings_table():
        section, name = key.split(".")
        values = [_code(presets[preset][section][name]) for preset in presets]
        rows.append([_code(key), *values, "paper" if published else "not published", meaning])
    return f"""# Settings

Every setting of a run, with its value in each preset. Change one with `--set key=value`; the bare
name is enough where only one section has it. "Not published" marks what the paper does not state or
contradicts: there the value is ours, and a result depends on it.

{_table(["setting", *presets, "source", "meaning"], rows)}

Written by `python -m reports.docs` from `bench/config.py` and `bench/presets/`.
"""


def sizes_page() -> str:
    """How large the derived networks of each search space are, over random genotypes."""
    import numpy as np

    from bench import registry
    from rnas.errors import MethodError
    from rnas.sizes import fit_channels, sample_sizes

    rows, fitted = [], []
    for entry in registry.variants().values():
        if entry.kind != "search":
            continue
        space = entry.space
        sizes = np.quantile(sample_sizes(space, DRAWS, SEED, CLASSES), QUANTILES)
        target = f"{space.size_target / 1e6:.2f}" if space.size_target else "none"
        rows.append([entry.name, space.channels, *(f"{size / 1e6:.3f}" for size in sizes), target])
        if not space.size_target:
            continue
        try:
            wide = fit_channels(space, space.size_target)
        except MethodError as error:
            fitted.append([entry.name, "none", str(error), target])
            continue
        median = float(np.median(sample_sizes(wide, DRAWS, SEED, CLASSES)))
        fitted.append([entry.name, wide.channels, f"{median / 1e6:.3f}", target])
    quantiles = [f"{quantile:.0%}" for quantile in QUANTILES]
    return f"""# Sizes

Millions of parameters of derived networks over {DRAWS} uniformly random genotypes and paths
(seed {SEED}, N = 3, {CLASSES} classes), counted by arithmetic (`rnas/sizes.py`; the tests check it
against built networks). The paper publishes no cell width F; F = 8 puts the median of RNAS-MER
near its published 1.91 M. These networks are size-matched, never reproduced.

## `size=same`: one F for all

{_table(["variant", "F", *quantiles, "Table 5"], rows)}

With equal F, networks of DARTS operations come out about ten times smaller than hybrid ones, while
Table 5 has RNAS-MER_1 and RNAS-MER_2 larger than RNAS-MER: the orders of size differ, and no single
F makes them agree.

## `size=published`: F fitted to each row of Table 5

{_table(["variant", "F", "median", "Table 5"], fitted)}

Written by `python -m reports.docs`.
"""


def write_pages(folder: Path) -> None:
    """Writes every computed page."""
    from bench.files import write_text
    from reports import audit_render

    write_text(folder / "audit.md", audit_render.page())
    write_text(folder / "settings.md", settings_page())
    write_text(folder / "sizes.md", sizes_page())


def _table(headers: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    from tabulate import tabulate

    return tabulate(
        [list(row) for row in rows], headers=list(headers), tablefmt="github", disable_numparse=True
    )


def _code(value: object) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    return f"`{value}`" if value != "" else "(empty)"


if __name__ == "__main__":
    write_pages(DOCS)
