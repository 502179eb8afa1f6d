"""The Python API: what the commands do, as functions. `bench.NAME` is the way to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from bench.data.clips import ClipSet
    from bench.models.answers import Answers
    from bench.models.model import Model

Where = str | Path


def run(
    variant: str | Sequence[str],
    dataset: str,
    *,
    surrogate: bool = False,
    preset: str = "smoke",
    seed: int | Sequence[int] = 0,
    settings: Mapping[str, Any] | None = None,
    data_root: Where | None = None,
    runs: Where = "runs",
    subjects: str | None = None,
    device: str = "auto",
    jobs: int | None = None,
    force: bool = False,
) -> pd.DataFrame:
    """`bench run`: searches, decodes, evaluates by leave-one-subject-out, scores, profiles.

    variant: names, globs or groups; settings: `{"train.epochs": 10}`; the rest as the options of
    the command. Progress goes to stderr; what is finished already is not computed again. Needs no
    `__main__` guard. Returns the runs as `load_runs` does, in the order asked for. Raises
    UsageError for what is unknown or contradicts itself, BenchError where a unit failed.
    """
    from bench.cli.progress import Steps, bars
    from bench.cli.request import perform_jobs, resolve_request
    from bench.engine.plan import ALL_PHASES
    from bench.engine.request import prepare_jobs
    from bench.errors import BenchError
    from reports.reading.frame import frame_of

    request = resolve_request(
        variants=(variant,) if isinstance(variant, str) else tuple(variant),
        dataset=dataset,
        surrogate=surrogate,
        preset=preset,
        seeds=(seed,) if isinstance(seed, int) else tuple(seed),
        overrides=tuple(f"{key}={_text(value)}" for key, value in (settings or {}).items()),
        data_root=Path(data_root) if data_root else None,
        runs=Path(runs),
        device=device,
        subjects=subjects,
        allow_outside=False,
        jobs=jobs,
    )
    with bars() as display:
        prepared = prepare_jobs(request, Steps(display))
        failures = perform_jobs(prepared, display, ALL_PHASES, force)
    if failures:
        first = failures[0]
        raise BenchError(f"{len(failures)} units failed, first {first.unit.title}: {first.reason}")
    order = {str(job.folder.path): number for number, job in enumerate(prepared.jobs)}
    found = frame_of(Path(runs))
    own = found[found["folder"].isin(order)]
    return own.sort_values("folder", key=lambda places: places.map(order), ignore_index=True)


def load_runs(path: Where = "runs") -> pd.DataFrame:
    """All runs below a folder, a row each: identity, scores, marks, costs, every setting.

    Scores and costs are those of `metrics.json` and `profile.json`, missing where a run has none;
    `marks` are those that stand beside its score in every table. Runs that cannot be read are left
    out with a warning. Raises UsageError where the path is a file.
    """
    from reports.reading.frame import frame_of

    return frame_of(Path(path))


def predictions(path: Where, selection: str | None = None) -> pd.DataFrame:
    """The answers of a finished run, or of a file of predictions: a row per clip.

    Columns dataset, subject, clip, true, pred, as names of classes; for a run also a logit per
    class (`logit negative`), under its own selection rule. selection: the answers of another rule.
    Raises BenchError where the run is not finished, DataError for a file that cannot be read.
    """
    from reports.reading.frame import predictions_of

    return predictions_of(Path(path), selection)


def score(
    frame: pd.DataFrame, classes: Sequence[str] | None = None, draws: int = 10_000
) -> dict[str, Any]:
    """What `bench score --format json` says of predictions: scores, intervals, chance.

    frame: columns dataset, subject, clip, true, pred, as `predictions` returns them; classes: their
    order, by default that of the frame, else the challenge's. Raises DataError where a clip is
    answered twice or a label is no class.
    """
    from reports.reading.frame import scores_of

    return scores_of(frame, classes, draws)


def audit(counts: Sequence[int] | str | None = None, **scores: float | str) -> pd.DataFrame:
    """`bench audit`: a row per claim with its verdict.

    Without arguments of the paper's own numbers. counts: the clips per class of your own scores, or
    `composite`, `smic`, `casme2`, `samm`; scores: `acc`, `uar`, `uf1`, as fractions (texts keep
    the zeros that say how they were rounded).
    """
    import pandas as pd

    from bench.errors import UsageError
    from reports.audit.paper import audit_paper
    from reports.audit.scores import audit_scores
    from reports.cli.audit import typed_counts, typed_scores

    if counts is None and not scores:
        findings = audit_paper()
    elif counts is None or not scores.keys() <= {"acc", "uar", "uf1"}:
        raise UsageError("own scores need counts, the clips per class, and some of acc, uar, uf1")
    else:
        named = counts if isinstance(counts, str) else ",".join(map(str, counts))
        typed = typed_scores({name: str(each) for name, each in scores.items()})
        findings = audit_scores(typed_counts(named), typed)
    return pd.DataFrame([finding.as_dict() for finding in findings])


def load_model(
    file: Where,
    device: str = "cpu",
    magnifier_weights: Where | None = None,
    landmarks: Where | None = None,
    crop: Literal["none", "detect"] | None = None,
) -> Model:
    """The trained network in a model file; see `bench.models.model.load_model`."""
    from bench.models.model import check_used, load_model

    model = load_model(file, device, magnifier_weights, landmarks, crop)
    check_used([model], magnifier_weights, landmarks)
    return model


def fit(run: Where, out: Where, *, data_root: Where | None = None, device: str = "cpu") -> Model:
    """`bench fit`: trains a run's method on all its clips, writes the file `out`, and loads it."""
    from bench.cli.progress import steps
    from bench.engine.fitting import fit
    from bench.models.model import load_network
    from bench.runs.folder import RunFolder
    from bench.system.files import default_cache

    root = Path(data_root) if data_root else None
    with steps() as report:
        fit(RunFolder(Path(run)), Path(out), default_cache(), root, device, report)
    return load_network(out, device)


def predict(models: Model | Sequence[Model], *clips: Where) -> Answers:
    """The answer of a model to clips, or the mean answer of several, with its spread."""
    from bench.models.answers import answers_of
    from bench.models.inputs import named_clips
    from bench.models.model import Model

    asked = [models] if isinstance(models, Model) else models
    return answers_of(asked, named_clips(clips))


def variants() -> pd.DataFrame:
    """Every method that can be run, a row each: name, group, kind, summary, what it sees, marks."""
    import pandas as pd

    from bench.methods import registry

    rows = (
        {
            "name": each.name,
            "group": each.group,
            "kind": each.kind,
            "summary": each.summary,
            "input": each.details["input"],
            "parameters": each.details["parameters"],
            "marks": ", ".join(each.marks),
        }
        for each in registry.variants().values()
    )
    return pd.DataFrame(list(rows))


def load_clips(
    dataset: str,
    *,
    surrogate: bool = False,
    preset: str = "smoke",
    settings: Mapping[str, Any] | None = None,
    data_root: Where | None = None,
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Clips as networks see them before normalisation, their labels, and who they are.

    Returns videos, uint8 RGB (N, T, S, S, 3), or float32 u, v, strain with
    `data.representation=flow`; labels, (N,); and a frame of N rows with dataset, subject, clip,
    class, emotion. Preprocessed once, then cached. Warns where generated flow images are not as
    they were written. Raises UsageError where the data set is not there, DataError where its clips
    cannot be read.
    """
    import warnings
    from functools import partial

    import numpy as np

    from bench.cli.progress import steps
    from bench.config.loading import load_settings
    from bench.data.clips import problem_lines
    from bench.data.sources import load, prepare, resolve_source, settings_on
    from bench.data.surrogates.checking import CHANGED
    from bench.data.videos import clip_settings
    from bench.system.files import default_cache

    overrides = tuple(f"{key}={_text(value)}" for key, value in (settings or {}).items())
    root = Path(data_root) if data_root else None
    source = resolve_source(dataset, root, surrogate, default_cache())
    data = settings_on(source, partial(load_settings, preset, overrides)).config.data
    with steps() as report:
        clip_set, _ = prepare(source, data, report)
    for line in problem_lines(each for each in clip_set.problems if each.kind == CHANGED):
        warnings.warn(line, stacklevel=2)
    _, videos = load(source, clip_settings(data, clip_set.clips))
    return videos, np.array([clip.label for clip in clip_set.clips]), _clip_frame(clip_set)


def _clip_frame(clip_set: ClipSet) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "dataset": clip.dataset,
            "subject": clip.subject,
            "clip": clip.name,
            "class": clip_set.classes[clip.label],
            "emotion": clip.emotion,
        }
        for clip in clip_set.clips
    )


def _text(value: Any) -> str:
    """A setting as `--set` reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
