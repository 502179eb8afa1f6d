"""What one or several models say of clips: probabilities, their mean and their spread."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.cache import content_digests
from bench.data.clips import Clip, Problem, of_each
from bench.data.sets.doubts.looks import clips_alike
from bench.data.sets.doubts.twins import copies, twins, with_twins, without_folds
from bench.errors import UsageError
from bench.models.inputs import DATASET, NamedClip
from bench.models.pretrained import trained_before

if TYPE_CHECKING:
    import pandas as pd

    from bench.models.model import Model
    from bench.training.tensors import Tensors


@dataclass(frozen=True, eq=False, repr=False)
class Answers:
    """Probabilities (models, clips, classes), each model's of a clip adding up to 1.

    They are softmax of logits: a network's own confidence, not calibrated. problems: of each clip
    what is odd about it; unanswered: windows of the video that are left out.
    """

    classes: tuple[str, ...]
    clips: tuple[Clip, ...]
    models: tuple[str, ...]
    probabilities: np.ndarray
    problems: tuple[tuple[Problem, ...], ...]
    unanswered: int = 0

    @property
    def mean(self) -> np.ndarray:
        """Over the models, (clips, classes)."""
        return self.probabilities.mean(0)

    @property
    def spread(self) -> np.ndarray | None:
        """Standard deviation between the models, (clips, classes); None of a single one."""
        return self.probabilities.std(0, ddof=1) if len(self.models) > 1 else None

    @property
    def predicted(self) -> tuple[str, ...]:
        """The likeliest class of each clip."""
        return tuple(self.classes[label] for label in self.mean.argmax(1))

    @property
    def records(self) -> list[dict[str, Any]]:
        """Per clip its name, the predicted class, the probability of each class, and warnings."""
        spread = self.spread
        return [
            {
                "clip": clip.name,
                "predicted": self.predicted[number],
                "probabilities": dict(zip(self.classes, self.mean[number].tolist(), strict=True)),
                **(
                    {"spread": dict(zip(self.classes, spread[number].tolist(), strict=True))}
                    if spread is not None
                    else {}
                ),
                "warnings": [f"{each.kind}: {each.what}" for each in self.problems[number]],
            }
            for number, clip in enumerate(self.clips)
        ]

    @property
    def frame(self) -> pd.DataFrame:
        """A row per clip: its name, the predicted class, a column per class, `± class` of several.

        And `warnings`, where a clip has any: `records` as a table.
        """
        import pandas as pd

        table = pd.DataFrame(list(map(flat, self.records)))
        return table if table["warnings"].any() else table.drop(columns="warnings")

    def __repr__(self) -> str:
        return self.frame.to_string(index=False, float_format="{:.3f}".format)

    def _repr_html_(self) -> str:
        return self.frame.to_html(index=False, float_format="{:.3f}".format)


def flat(record: dict[str, Any]) -> dict[str, Any]:
    """One of the records as cells: a column per class, its spread beside, warnings in one text."""
    nested = ("probabilities", "spread", "warnings")
    return {
        **{name: value for name, value in record.items() if name not in nested},
        **record["probabilities"],
        **{f"± {name}": value for name, value in record.get("spread", {}).items()},
        "warnings": "; ".join(record["warnings"]),
    }


def answers_of(
    models: Sequence[Model],
    named: Sequence[NamedClip],
    progress: Callable[[int, int], None] | None = None,
) -> Answers:
    """The answers of all models to the clips; UsageError as `check_models`.

    A clip that a model was trained on has a problem that says so (`trained_before`). progress:
    called with (models done, models).
    """
    check_models(models)
    clips = tuple(each.clip for each in named)
    again = of_each(_repeated(clips), clips)
    problems = [with_twins(each.problems, odd) for each, odd in zip(named, again, strict=True)]
    found = []
    for number, model in enumerate(models, start=1):
        tensors, seen = model.seen(clips)
        found.append(_softmax(model, tensors))
        problems = [with_twins(*both) for both in zip(problems, seen, strict=True)]
        if progress:
            progress(number, len(models))
    trained = trained_clips(models, clips)
    problems = [with_twins(*both) for both in zip(problems, trained, strict=True)]
    titles = tuple(model.record.title for model in models)
    told = tuple(tuple(without_folds(each)) for each in problems)
    return Answers(models[0].classes, clips, titles, np.stack(found), told)


def trained_clips(models: Sequence[Model], clips: Sequence[Clip]) -> list[tuple[Problem, ...]]:
    """`trained_before` of all models; nothing of the clips stays on the disk."""
    with tempfile.TemporaryDirectory(prefix="bench-") as cache:
        found = [trained_before(model.record, clips, Path(cache)) for model in models]
    return [tuple(chain.from_iterable(each)) for each in zip(*found, strict=True)]


def _repeated(clips: Sequence[Clip]) -> Iterator[Problem]:
    """A problem for each clip that shows what an earlier one does, as a run tells them.

    Near copies are told of those whose person is known: clips of one person may look alike.
    """
    listed = [clip for clip in clips if clip.dataset != DATASET]
    with tempfile.TemporaryDirectory(prefix="bench-") as cache:
        digests = content_digests(clips, Path(cache))
        yield from with_twins(twins(clips), copies(clips, digests))
        yield from clips_alike(listed, Path(cache))


def check_models(models: Sequence[Model]) -> None:
    """UsageError where the models know different classes, or two of them are one."""
    known = {model.classes: model.record.title for model in models}
    if len(known) > 1:
        told = "; ".join(f"{title}: {', '.join(classes)}" for classes, title in known.items())
        raise UsageError(f"models of different classes have no mean ({told}); ask one at a time")
    for one, other in combinations(models, 2):
        if _same_weights(one, other):
            raise UsageError(
                f"two model files hold the same weights ({one.record.title}): a mean would count "
                "them twice, and their spread say nothing; name one of them"
            )


def _same_weights(one: Model, other: Model) -> bool:
    first, second = one.network.state_dict(), other.network.state_dict()
    return first.keys() == second.keys() and all(first[n].equal(second[n]) for n in first)


def probabilities(model: Model, clips: Sequence[Clip]) -> np.ndarray:
    """(clips, classes), float64."""
    return _softmax(model, model.seen(clips)[0])


def _softmax(model: Model, tensors: Tensors) -> np.ndarray:
    return model.logits(tensors).softmax(1).numpy()
