"""The computed pages of `docs/`: `python -m reports.docs` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reports.audit.text import wrapped
from reports.docs.audit import page as audit_page
from reports.docs.measured import tables_page
from reports.docs.tables import table

if TYPE_CHECKING:
    from baselines.fixed import FixedNetwork

DOCS = Path("docs")

DRAWS = 2000
"""Random genotypes per search space in `docs/sizes.md`."""

SETTINGS = {
    "data": "Clips",
    "space": "Search space",
    "search": "Search",
    "train": "Training",
    "protocol": "Protocol",
    "compute": "Arithmetic",
    "save": "What is kept",
}
"""Section of the settings -> its heading in `docs/settings.md`."""

LATER = {
    "HTNet": "five points of a face detector; 139.6 M parameters, meant for a GPU",
    "MMNet": "its GPU budget (9.4 M parameters, 224×224); scores are of CASME II alone",
    "SKD-TSTSAN": "MagNet's weights and a checkpoint trained on macro-expressions",
}
"""Method with public code -> what stands between it and a row here."""

PEER_FACTS = ("parameters", "input", "recipe", "pretraining", "released code scores", "marks")
"""What `docs/peers.md` says of every method before its deviations."""

SEED = 0
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
CLASSES = 3


def settings_page() -> str:
    """The text of docs/settings.md: every setting, its value in each preset, its source."""
    from bench.config.loading import load_config, preset_names
    from bench.config.settings import settings_table

    presets = {name: load_config(name).to_dict() for name in preset_names()}
    sections: dict[str, list[str]] = {}
    for key, _, published, meaning in settings_table():
        section, name = key.split(".")
        values = {preset: _code(values[section][name]) for preset, values in presets.items()}
        source = ", published" if published else ""
        item = f"- {_code(key)} ({_in_presets(values)}{source}): {meaning}"
        sections.setdefault(section, []).append(wrapped(item, "  "))
    lists = "\n\n".join(
        "\n".join([f"## {SETTINGS[section]}: `{section}`", "", *items])
        for section, items in sections.items()
    )
    return f"""# Settings

This page lists every setting of a run, with its value in each preset ({", ".join(presets)}).

Change one with `--set key=value`; the bare name is enough where only one section has it.
`published` marks what the paper states. It does not state, or contradicts, all others: their values
are our choice, and results depend on them.

{lists}

## The name of a run folder

It ends in a hash of the settings that differ from their defaults, whatever their spelling (`easy`
or `0.15`, subjects in any order and case). A folder that an earlier version named by a hash of all
settings keeps its name, and the same command goes on with it.

Written by `python -m reports.docs` from `bench/config/settings.py`, `rnas/settings.py` and
`bench/config/presets/`.
"""


def marks_page() -> str:
    """The text of docs/marks.md: the marks that stand beside scores, with their meaning."""
    from reports.reading.marks import MARK_MEANINGS

    items = (wrapped(f"- `{mark}`: {meaning}", "  ") for mark, meaning in MARK_MEANINGS.items())
    return f"""# Marks

This page says what each mark beside a score means.

A mark stands wherever the score stands: tables, report, comparison, `bench list runs`, predictions
of a model. Marks with a number or a name (`4 of 16 subjects (SMIC)`, `class map native`) say what
they mean themselves.

{chr(10).join(items)}

Written by `python -m reports.docs` from `reports/reading/marks.py`.
"""


def sizes_page() -> str:
    """The text of docs/sizes.md: parameters of derived networks over random genotypes."""
    import numpy as np

    from bench.methods import registry
    from bench.methods.spaces import Searched
    from rnas.errors import MethodError
    from rnas.sizes import fit_channels, sample_sizes

    rows: list[list[object]] = []
    fitted: list[list[object]] = []
    for entry in registry.variants().values():
        if not isinstance(entry, Searched):
            continue
        space = entry.space
        drawn = np.array(sample_sizes(space, DRAWS, SEED, CLASSES))
        sizes = np.quantile(drawn, QUANTILES)
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

This page says how large the networks of each search space are.

Millions of parameters of derived networks over {DRAWS} uniformly random genotypes and paths
(seed {SEED}, N = 3, {CLASSES} classes), computed without building them (`rnas/sizes.py`; the tests
compare with built networks). The paper does not publish the cell width F; F = 8 puts the median of
RNAS-MER near its published 1.91 M. These networks are size-matched, not reproduced.

## `size=same`: one F for all

{table(["variant", "F", *quantiles, "Table 5"], rows)}

With equal F, networks of DARTS operations are about ten times smaller than hybrid ones, while in
Table 5 RNAS-MER_1 and RNAS-MER_2 are larger than RNAS-MER: the order of sizes differs, whatever the
single F.

## `size=published`: F fitted to each row of Table 5

{table(["variant", "F", "median", "Table 5"], fitted)}

Written by `python -m reports.docs`.
"""


def peers_page() -> str:
    """The text of docs/peers.md: the hand-designed methods and how they deviate."""
    from baselines.peers import PEERS
    from reports.published import published_only

    about = "\n\n".join(_about_peer(entry) for entry in PEERS)
    return f"""# Hand-designed methods

This page says how each hand-designed method is built and trained, and where that deviates from its
publication.

These are the methods that Tables 2 and 5 compare NAS with, as far as they can be rebuilt, and a
plain 3D control. All are written anew from their publications and released code. They run like any
variant, on the same clips and folds, pooled and scored by the same rules: `bench run --variant
peers` runs them all, `bench list variants --long` prints the same facts. Parameters are counted at
3 classes; for a released network they equal those of the same parts of its own exactly.
Measured scores: [results](results.md).

Networks are trained by their published recipe (`--set train.recipe=own`, the default);
`train.recipe=harness` trains them like derived networks. Whatever epoch the released code scores,
the harness scores the one that `protocol.selection` names, by default the last.

## The methods

{about}

## Published only

These rows of Tables 2 and 5 have no measured values: nothing runs under a method's name that is not
the method.

{table(["method", "why"], published_only().items())}

Later methods, which the tables do not have, could be built from their public code:

{table(["method", "what it would need"], LATER.items())}

## Weights for CapsuleNet and NMER

Their trunks start from random weights. To start from a file with the state of torchvision's
ResNet-18, register your own value:

```python
from dataclasses import replace
from baselines.peers import CAPSULENET

PRETRAINED = replace(
    CAPSULENET,
    name="capsulenet_imagenet",
    options=(("weights", "/path/to/resnet18.pth"),),
    marks=(),
)
```

and name it in your package's `pyproject.toml`, like any variant:

```toml
[project.entry-points."bench.variants"]
capsulenet_imagenet = "my_package:PRETRAINED"
```

`NMER` takes the same option; it still lacks CK+, so its marks stay.

Written by `python -m reports.docs` from `baselines/peers.py` and
`reports/published/published_only.csv`.
"""


def _about_peer(entry: FixedNetwork) -> str:
    """One method: its facts, then its deviations from the publication."""
    facts = (
        wrapped(f"- {name}: {text}", "  ")
        for name, text in entry.facts.items()
        if name in PEER_FACTS
    )
    deviations = (wrapped(f"- deviation: {text}", "  ") for text in entry.deviations)
    return "\n".join(
        [f"### `{entry.name}`", "", wrapped(f"{entry.reference}."), "", *facts, *deviations]
    )


def _in_presets(values: Mapping[str, str]) -> str:
    """`a` where all presets agree, otherwise `paper a, small b, smoke b`."""
    if len(set(values.values())) == 1:
        return next(iter(values.values()))
    return ", ".join(f"{preset} {value}" for preset, value in values.items())


def write_pages(folder: Path) -> None:
    """Writes every computed page."""
    from bench.system.files import write_text

    write_text(folder / "audit.md", audit_page())
    write_text(folder / "marks.md", marks_page())
    write_text(folder / "peers.md", peers_page())
    write_text(folder / "settings.md", settings_page())
    write_text(folder / "sizes.md", sizes_page())
    write_text(folder / "tables.md", tables_page())


def _code(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else "empty"
