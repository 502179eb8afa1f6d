"""What one or several models say of clips: probabilities, their mean and their spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.clips import Clip
from bench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from bench.models.model import Model


@dataclass(frozen=True, eq=False, repr=False)
class Answers:
    """Probabilities (models, clips, classes), each model's of a clip adding up to 1.

    They are softmax of logits: a network's own confidence, not calibrated. unanswered: windows of
    the video that are left out.
    """

    classes: tuple[str, ...]
    clips: tuple[Clip, ...]
    models: tuple[str, ...]
    probabilities: np.ndarray
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
        """Per clip its name, the predicted class, and the probability of each class."""
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
            }
            for number, clip in enumerate(self.clips)
        ]

    @property
    def frame(self) -> pd.DataFrame:
        """A row per clip: its name, the predicted class, a column per class, `± class` of several.

        `records` as a table.
        """
        import pandas as pd

        rows = [
            {
                "clip": each["clip"],
                "predicted": each["predicted"],
                **each["probabilities"],
                **{f"± {name}": value for name, value in each.get("spread", {}).items()},
            }
            for each in self.records
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return self.frame.to_string(index=False, float_format="{:.3f}".format)

    def _repr_html_(self) -> str:
        return self.frame.to_html(index=False, float_format="{:.3f}".format)


def answers_of(
    models: Sequence[Model],
    clips: Sequence[Clip],
    progress: Callable[[int, int], None] | None = None,
) -> Answers:
    """The answers of all models to the clips; UsageError where they know different classes.

    progress: called with (models done, models).
    """
    check_classes(models)
    found = []
    for number, model in enumerate(models, start=1):
        found.append(probabilities(model, clips))
        if progress:
            progress(number, len(models))
    titles = tuple(model.record.title for model in models)
    return Answers(models[0].classes, tuple(clips), titles, np.stack(found))


def check_classes(models: Sequence[Model]) -> None:
    """UsageError where the models know different classes."""
    known = {model.classes: model.record.title for model in models}
    if len(known) > 1:
        told = "; ".join(f"{title}: {', '.join(classes)}" for classes, title in known.items())
        raise UsageError(f"models of different classes have no mean ({told}); ask one at a time")


def probabilities(model: Model, clips: Sequence[Clip]) -> np.ndarray:
    """(clips, classes), float64."""
    return model.logits(model.tensors(clips)).softmax(1).numpy()
