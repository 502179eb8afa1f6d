"""The computed pages of `docs/`: `python -m reports.docs` writes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from reports.docs.audit import page as audit_page

if TYPE_CHECKING:
    from baselines.fixed import FixedNetwork

DOCS = Path("docs")

DRAWS = 2000
"""Random genotypes per search space in `docs/sizes.md`."""

SEED = 0
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
CLASSES = 3


def settings_page() -> str:
    """The text of docs/settings.md: every setting, its value in each preset, its source."""
    from bench.config.loading import load_config, preset_names
    from bench.config.settings import settings_table

    presets = {name: load_config(name).to_dict() for name in preset_names()}
    rows = []
    for key, _, published, meaning in settings_table():
        section, name = key.split(".")
        values = [_code(presets[preset][section][name]) for preset in presets]
        rows.append([_code(key), *values, "paper" if published else "not published", meaning])
    return f"""# Settings

Every setting of a run, with its value in each preset. Change one with `--set key=value`; the bare
name is enough where only one section has it. "Not published" marks what the paper does not state
or contradicts: the value is our choice, and results depend on it.

{_table(["setting", *presets, "source", "meaning"], rows)}

The name of a run folder ends in a hash of the settings that differ from their defaults, whatever
their spelling (`easy` or `0.15`, subjects in any order and case). A folder that an earlier version
named by a hash of all settings keeps its name, and the same command goes on with it.

Written by `python -m reports.docs` from `bench/config/settings.py`, `rnas/settings.py` and
`bench/config/presets/`.
"""


def sizes_page() -> str:
    """The text of docs/sizes.md: parameters of derived networks over random genotypes."""
    import numpy as np

    from bench.methods import registry
    from bench.methods.variants import Searched
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

Millions of parameters of derived networks over {DRAWS} uniformly random genotypes and paths
(seed {SEED}, N = 3, {CLASSES} classes), computed without building them (`rnas/sizes.py`; the tests
compare with built networks). The paper does not publish the cell width F; F = 8 puts the median of
RNAS-MER near its published 1.91 M. These networks are size-matched, not reproduced.

## `size=same`: one F for all

{_table(["variant", "F", *quantiles, "Table 5"], rows)}

With equal F, networks of DARTS operations are about ten times smaller than hybrid ones, while in
Table 5 RNAS-MER_1 and RNAS-MER_2 are larger than RNAS-MER: the order of sizes differs, whatever the
single F.

## `size=published`: F fitted to each row of Table 5

{_table(["variant", "F", "median", "Table 5"], fitted)}

Written by `python -m reports.docs`.
"""


def peers_page() -> str:
    """The text of docs/peers.md: the hand-designed methods and how they deviate."""
    from baselines.peers import PEERS
    from reports.published import published_only

    facts = ("parameters", "input", "recipe", "pretraining", "released code scores", "marks")
    rows = [[_code(e.name), *(e.facts.get(fact, "") for fact in facts)] for e in PEERS]
    about = "\n".join(_about_peer(entry) for entry in PEERS)
    return f"""# Hand-designed methods

The methods that Tables 2 and 5 compare NAS with, as far as they can be rebuilt, and a plain 3D
control. All are written anew from their publications and released code. They run like any variant,
on the same clips and folds, pooled and scored by the same rules: `bench run --variant peers` runs
them all, `bench list variants --long` prints the same facts. Parameters are counted at 3 classes;
for a released network they equal its own exactly.

{_table(["variant", *facts], rows)}

Networks are trained by their published recipe (`--set train.recipe=own`, the default);
`train.recipe=harness` trains them like derived networks. Whatever epoch the released code scores,
the harness scores the one that `protocol.selection` names, by default the last.

## Deviations from the publications

{about}

## Published only

These rows of Tables 2 and 5 have no measured values: nothing runs under a method's name that is not
the method.

{_table(["method", "why"], published_only().items())}

## Weights for CapsuleNet

Its trunk starts from random weights. To start from a file with the state of torchvision's
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

Written by `python -m reports.docs` from `baselines/peers.py` and
`reports/published/published_only.csv`.
"""


def _about_peer(entry: FixedNetwork) -> str:
    """One method as a list item, with its deviations below it."""
    deviations = "".join(f"\n  - {text}" for text in entry.deviations)
    return f"- `{entry.name}`: {entry.reference}{deviations}"


def write_pages(folder: Path) -> None:
    """Writes every computed page."""
    from bench.system.files import write_text

    write_text(folder / "audit.md", audit_page())
    write_text(folder / "peers.md", peers_page())
    write_text(folder / "settings.md", settings_page())
    write_text(folder / "sizes.md", sizes_page())


def _table(headers: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    from tabulate import tabulate

    return tabulate(
        [list(row) for row in rows], headers=list(headers), tablefmt="github", disable_numparse=True
    )


def _code(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else "(empty)"
