"""A trained network that answers for clips it has never seen."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from baselines.fixed import StillInput
from bench.config.loading import detecting
from bench.config.settings import DataConfig
from bench.data.clips import Clip, ClipSet, Problem, of_each
from bench.data.sets.doubts.twins import seen_alike
from bench.data.sources import input_problems, load_input, magnifier_digest
from bench.data.stills.inputs import flow_tops
from bench.errors import BenchError, UsageError
from bench.models.file import ModelRecord, read_model
from bench.models.inputs import UNKNOWN, Place, named_clips
from bench.models.network import built
from bench.training.loop import predict
from bench.training.tensors import ClipTensors, StillTensors, Tensors

if TYPE_CHECKING:
    import numpy as np

    from bench.models.answers import Answers


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A network with its weights, and what it was trained on.

    data: how clips become its input: the settings of its run; still: the image per clip that it
    wants, None where it sees clips.
    """

    record: ModelRecord
    network: nn.Module
    data: DataConfig
    still: StillInput | None
    shape: tuple[int, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits."""
        return self.record.classes

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.network.parameters()).device

    def predict(
        self,
        *clips: str | Path,
        onset: int | None = None,
        apex: int | None = None,
        offset: int | None = None,
    ) -> Answers:
        """Probabilities of each clip: a video, a folder of frames, an .npy array, a manifest.

        Every step is that of the run: crop, magnification, interpolation, representation. onset,
        apex, offset: frame numbers of the only clip named (`bench.models.inputs.Place`). Raises
        BenchError where a clip cannot be read.
        """
        from bench.models.answers import answers_of

        return answers_of([self], named_clips(clips, Place(onset, apex, offset)))

    def seen(self, clips: Sequence[Clip]) -> tuple[Tensors, list[list[Problem]]]:
        """The clips as its input, in their order, and what is odd about each one's.

        Nothing of them stays on the disk.
        """
        clip_set = ClipSet(self.record.run.dataset, (UNKNOWN,), tuple(clips))
        with tempfile.TemporaryDirectory(prefix="bench-") as cache:
            arrays = load_input(clip_set, self.data, self.still, Path(cache))
            odd = list(input_problems(clips, arrays, self.still, self.data, Path(cache)))
            odd += seen_alike(clips, arrays)
        return self.of_arrays(clips, arrays), of_each(odd, clips)

    def of_arrays(self, clips: Sequence[Clip], arrays: np.ndarray) -> Tensors:
        """From what the clip cache holds of the clips."""
        tensor = torch.from_numpy(arrays).to(self.device)
        labels = torch.zeros(len(arrays), dtype=torch.long, device=self.device)
        if self.still:
            tops = flow_tops(clips, self.still)
            return StillTensors.of(tensor, self.still, labels, len(self.classes), self.data, tops)
        return ClipTensors(tensor, labels, len(self.classes), self.data)

    def logits(self, clips: Tensors) -> Tensor:
        """Logits (N, classes) on the CPU, float64, as the folds of its run compute them."""
        return predict(self.network, clips, range(len(clips.labels)))

    def export(self, path: str | Path, form: str = "onnx") -> None:
        """Writes its network for other programs: `pt2`, `onnx` or `torchscript`."""
        from bench.models.exporting import export

        export(self, Path(path), form)

    def __repr__(self) -> str:
        return f"<Model: {self.record.title}>"

    def _repr_html_(self) -> str:
        from html import escape

        parameters = sum(each.numel() for each in self.network.parameters())
        rows = {
            "model": self.record.title,
            "classes": ", ".join(self.classes),
            "parameters": f"{parameters:,}",
            "input": " × ".join(map(str, self.shape)),
            "score of its run": "; ".join(score_lines(self.record)) or "not recorded",
            "marks": "; ".join(self.record.marks) or "none",
        }
        cells = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
        return f"<table>{cells}</table>"


def load_model(
    file: str | Path,
    device: str = "cpu",
    magnifier_weights: str | Path | None = None,
    landmarks: str | Path | None = None,
    crop: Literal["none", "detect"] | None = None,
) -> Model:
    """The model in a file (`bench fit`, `save.weights`).

    magnifier_weights: the weights of learned magnification, where its run magnified so; landmarks:
    boxes or points of the clips it will see, where its run cropped by such a file; crop: `detect`
    or `none` instead of what its run did, for raw videos where that had cropped clips. Raises
    UsageError where the file or one of these is missing, DataError where it is damaged, foreign or
    newer than this version.
    """
    model = load_network(file, device)
    if crop not in (None, model.data.crop):
        whole = replace(model.data, crop="none")
        model = replace(model, data=detecting(whole) if crop == "detect" else whole)
    data = _own_files(model.data, magnifier_weights, landmarks, Path(file))
    if magnifier_digest(data) != model.record.run.data.magnifier:
        raise BenchError(
            f"{file}: its run magnified by other weights than {data.magnifier_weights}; name those "
            "of the run (--magnifier-weights)"
        )
    return replace(model, data=data)


def check_used(
    models: Sequence[Model], magnifier_weights: str | Path | None, landmarks: str | Path | None
) -> None:
    """UsageError for weights of magnification or landmarks that none of the models looks at."""
    if magnifier_weights and all(model.data.magnify != "learned" for model in models):
        raise UsageError(
            f"--magnifier-weights {magnifier_weights}: no network magnified the motion that the "
            "model's run saw: leave it out"
        )
    patches = any(model.still and model.still.kind == "landmark_patches" for model in models)
    if landmarks and not patches and all(model.data.crop != "landmarks" for model in models):
        raise UsageError(
            f"--landmarks {landmarks}: the model's run neither cropped by such a file nor saw "
            "patches around landmarks: leave it out"
        )


def load_network(file: str | Path, device: str = "cpu") -> Model:
    """As `load_model`, but for its network alone: files that its input needs may be missing."""
    path = Path(file)
    record, weights = read_model(path)
    network, method = built(record, weights, path)
    config = record.run.settings
    data = config.data
    shape = method.input_shape(config) if method else (3, data.frames, data.size, data.size)
    still = method.still if method else None
    return Model(record, network.to(device), data, still, shape)


def score_lines(record: ModelRecord) -> Iterator[str]:
    """`UAR 0.50 [0.40, 0.60]` of each metric of its run."""
    from bench.protocol.metrics import metrics

    for name, metric in metrics().items():
        found = (record.score or {}).get(name)
        if not found or found["estimate"] is None:
            continue
        low, high = found["low"], found["high"]
        interval = "" if low is None else f" [{low:.4f}, {high:.4f}]"
        yield f"{metric.heading} {found['estimate']:.4f}{interval}"


def _own_files(
    data: DataConfig, magnifier: str | Path | None, landmarks: str | Path | None, path: Path
) -> DataConfig:
    """The settings with the user's files in place of those on the machine of the run."""
    if data.magnify == "learned" and magnifier is None:
        raise UsageError(
            f"{path}: its run magnified motion by a network: name its weights "
            "(--magnifier-weights FILE)"
        )
    if data.crop == "landmarks" and landmarks is None:
        raise UsageError(
            f"{path}: its run cropped by a file of boxes: name one for these clips "
            "(--landmarks FILE.csv)"
        )
    return replace(
        data,
        magnifier_weights=str(magnifier) if data.magnify == "learned" else "",
        landmarks=str(landmarks or ""),
    )
