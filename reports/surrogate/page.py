"""`docs/surrogate.md`: the measurements on surrogate clips and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from bench.config.settings import DIFFICULTIES
from bench.data.clips import CHALLENGE_CLASSES
from bench.data.inspect.pictures import drawn
from bench.data.surrogates.motion import ALIGNMENT, ALIGNMENT_LIMIT
from bench.errors import UsageError
from bench.system.files import write_atomic, write_text
from reports.docs import tables
from reports.drawing.export import save_figure
from reports.drawing.style import house_style
from reports.surrogate import table
from reports.surrogate.measures import METHODS, SHUFFLED, SHUFFLES, STRENGTH
from reports.surrogate.networks import (
    FOLDS,
    GENOTYPE,
    LEARNERS,
    SUBJECTS,
    TRAINING,
    VARIANT,
)
from reports.surrogate.pictures import contact_sheet, difficulty_curve
from reports.surrogate.table import Row

PAGE = Path("docs/surrogate.md")
PICTURES = Path("docs/surrogate")

CLIPS_DPI = 150
"""Resolution of `clips.png`: a frame of 128 pixels becomes 153 wide."""


def write_page(dataset: str, seed: int, cache: Path) -> list[Path]:
    """Writes the page and its pictures; returns their paths.

    Raises UsageError where a method was not measured at a named difficulty.
    """
    rows = [row for row in table.read() if (row.dataset, row.seed) == (dataset, seed)]
    found = {(row.difficulty, row.of) for row in rows if row.measure == "uar"}
    needed = {(level, of) for level in DIFFICULTIES.values() for of in METHODS}
    if missing := sorted(needed - found):
        raise UsageError(
            f"{table.TABLE} lacks {dataset} at difficulty {missing[0][0]:g}: first "
            f"`python -m reports.surrogate measure --dataset {dataset} --seed {seed}`"
        )
    written = save_figure(difficulty_curve(rows), PICTURES / "difficulty", ["png"])
    written.append(_save_clips(contact_sheet(dataset, seed, cache), PICTURES / "clips.png"))
    write_text(PAGE, page(rows))
    return [*written, PAGE]


def _save_clips(figure: Figure, path: Path) -> Path:
    """In 256 colours, as `bench data show`: noise makes files in full colour large."""
    figure.set_dpi(CLIPS_DPI)
    with house_style():
        image = drawn(figure)
    write_atomic(path, partial(image.save, format="PNG", optimize=True))
    return path


def page(rows: Sequence[Row]) -> str:
    """The text of the page for the rows of one data set and seed."""
    first = rows[0]
    names = {place: name for name, place in DIFFICULTIES.items()}
    levels = sorted({row.difficulty for row in rows})
    found = {(row.difficulty, row.measure, row.of): row for row in rows}
    titles = [f"{level:g} ({names[level]})" if level in names else f"{level:g}" for level in levels]

    def line(title: str, measure: str, of: str) -> list[str]:
        results = [found.get((level, measure, of)) for level in levels]
        return [title, *(_cell(result) for result in results)]

    scores = [line(method.title, "uar", name) for name, method in METHODS.items()]
    scores += [
        line(f"labels shuffled: {METHODS[name].title}", "shuffled_uar", name) for name in SHUFFLED
    ]
    peaks = [
        line(f"{word}, {said}", measure, word)
        for measure, said in (("flow_peak", "all motion"), ("expression_peak", "head removed"))
        for word in CHALLENGE_CLASSES
    ]
    names_of = [f"{level:g} ({name})" for name, level in DIFFICULTIES.items()]
    inputs = [
        [
            learner.title,
            *(_cell(found.get((level, "input_uar", name))) for level in DIFFICULTIES.values()),
        ]
        for name, learner in LEARNERS.items()
    ]
    return f"""# What the surrogate clips are worth

This page says what generated clips can and cannot tell about a method.

Generated clips can replace licensed ones only if they pose the same problem: to recognise small
motions, of unseen people, under nuisance. That is measured here on generated clips in the place
of `{first.dataset}`: seed {first.seed}, generator version {first.generator}. No number here says
anything about a real data set.

From version 2 on (`data.surrogate_version`, which the presets set), frames are cropped as imperfect
face registration crops them: each on its own is shifted along x and y, and scaled. At 128×128 the
standard deviation of a shift is {ALIGNMENT:g} pixels times the difficulty, and the scale moves the
edge of the face as far; no frame is off by more than {ALIGNMENT_LIMIT:g} standard deviations. A
classifier that is linear in grey levels takes this for motion. Version 1 has none of it and makes
the same clips as ever. Uncropped frames have none either.

    python -m reports.surrogate measure --dataset {first.dataset} --seed {first.seed}
    python -m reports.surrogate page --dataset {first.dataset} --seed {first.seed}

The first command fills `results/surrogate.csv` (with commit, versions and time of every row; rows
that are there are not measured again), the second writes this page and its pictures from it. A
difficulty takes about 4 minutes on one core, almost half of them for the network.

## Scores against difficulty

![UAR of each method over the difficulty]({PICTURES.name}/difficulty.png)

UAR, pooled over leave-one-subject-out, of a balanced logistic regression on each method's features
(C = {STRENGTH:g} everywhere, nothing tuned). Shuffled labels: mean ± standard deviation of
{SHUFFLES} permutations.

{tables.table(["a classifier that sees", *titles], scores)}

{_reading(found)}

## A trained network

UAR on what the networks of the preset `small` see, {SUBJECTS} subjects, pooled over {FOLDS} groups
of subjects of which each is left out once: the same logistic regression on the grey differences of
all frames from the onset frame, and one derived network of `{VARIANT}` (the random genotype of seed
{GENOTYPE}) trained on the same differences for {TRAINING.epochs} epochs at a learning rate of
{TRAINING.lr:g}.

{tables.table(["a classifier that sees", *names_of], inputs)}

## How far faces move

The largest displacement in a clip in pixels of 128×128 by TV-L1, median ± half the interquartile
range over the clips of a class: all motion from the onset to the spotted apex, and that from the
onset to the middle without the movement of the head. The generator draws amplitudes independently
of the class; how much of one TV-L1 finds depends on the extent and the texture of what moves, and
on nuisance that it takes for motion.

{tables.table(["class", *titles], peaks)}

## Clips to look at

![A clip of each class, easy beside hard]({PICTURES.name}/clips.png)

`bench data synth --dataset {first.dataset} --difficulty hard --out DIR` writes such clips as files.
"""


def _reading(found: dict[tuple[float, str, str], Row]) -> str:
    """Sentences on the named difficulties, made from the numbers."""
    lines = []
    for name, place in DIFFICULTIES.items():
        score = {of: found[place, "uar", of].value for of in METHODS}
        lines.append(
            f"- `{name}` ({place:g}): the methods that see motion reach {score['difference']:.2f}, "
            f"{score['spotted_flow']:.2f} and {score['middle_flow']:.2f}. "
            + _one_frame("onset", found, place)
            + " "
            + _one_frame("apex", found, place)
        )
    return "\n".join(lines)


def _one_frame(of: str, found: dict[tuple[float, str, str], Row], place: float) -> str:
    """A sentence that compares a method that sees one frame with its own shuffled labels."""
    score, chance = found[place, "uar", of].value, found[place, "shuffled_uar", of]
    above = (score - chance.value) / chance.spread
    return (
        f"The {of} frame alone reaches {score:.2f}, {abs(above):.1f} standard deviations "
        f"{'above' if above > 0 else 'below'} its own shuffled labels ({chance.value:.2f})."
    )


def _cell(row: Row | None) -> str:
    if row is None:
        return "-"
    return f"{row.value:.2f} ± {row.spread:.2f}" if row.repeats > 1 else f"{row.value:.2f}"
