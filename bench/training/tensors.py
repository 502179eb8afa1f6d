"""Clips as tensors on a device, and the batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from baselines.fixed import StillInput
from bench.config.settings import DataConfig
from bench.training.augment import TURNED, U, augment, augment_flow, mirrored, to_input

PLAIN = DataConfig()

SMALLEST_BATCH = 2
"""In a batch of one clip a channel may have a single value, which batch norm cannot normalise."""


@dataclass(frozen=True)
class ClipTensors:
    """All clips of a run on the device: videos (N, T, H, W, C), labels (N,) < classes.

    Videos are uint8, with representation `flow` float32 (`bench.data.videos.load_videos`).
    """

    videos: Tensor
    labels: Tensor
    classes: int
    settings: DataConfig

    def augmented(
        self, batches: Sequence[Tensor], generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Per batch of indices its clips, augmented, (B, C, T, H, W), and their labels (B,).

        The whole epoch is augmented at once, so that the device never waits for the host.
        """
        if not batches:
            return
        chosen = torch.cat(list(batches)).to(self.videos.device)
        settings = self.settings
        videos = augment(
            self.videos[chosen],
            flip=settings.flip,
            shift=settings.shift,
            jitter=settings.jitter,
            turned=TURNED.get(settings.representation, ()),
            generator=generator,
        )
        sizes = [len(batch) for batch in batches]
        for part, labels in zip(videos.split(sizes), self.labels[chosen].split(sizes), strict=True):
            yield self._input(part), labels

    def evaluation_batch(self, indices: Tensor) -> Tensor:
        """Clips without augmentation: (B, C, T, H, W)."""
        return self._input(self.videos[indices.to(self.videos.device)])

    def mirrored_batch(self, indices: Tensor) -> Tensor | None:
        """The mirror images of the same clips, where `data.test_mirror` wants them."""
        if not self.settings.test_mirror:
            return None
        videos = self.videos[indices.to(self.videos.device)].flip(3)
        for channel in TURNED.get(self.settings.representation, ()):
            videos[..., channel].neg_()
        return self._input(videos)

    def _input(self, videos: Tensor) -> Tensor:
        return to_input(videos, self.settings.representation, gain=self.settings.gain)


@dataclass(frozen=True)
class StillTensors:
    """One image per clip on the device: float32 (N, C, S, S), labels (N,) < classes.

    views: the images that training draws from instead, (N, K, C, S, S); tops: of flow, as
    `bench.training.augment.mirrored` takes them; settings: how flow is augmented. Nothing else is.
    """

    images: Tensor
    labels: Tensor
    classes: int
    views: Tensor | None = None
    tops: Tensor | None = None
    settings: DataConfig = PLAIN

    @classmethod
    def of(
        cls,
        stills: Tensor,
        wanted: StillInput,
        labels: Tensor,
        classes: int,
        settings: DataConfig = PLAIN,
        tops: np.ndarray | None = None,
    ) -> StillTensors:
        """From stills and tops as `bench.data.stills.inputs` returns them."""
        if wanted.views > 1:
            return cls(stills[:, wanted.tested_view], labels, classes, stills)
        known = None if tops is None else torch.from_numpy(tops).to(stills.device)
        return cls(stills, labels, classes, None, known, settings)

    def augmented(
        self, batches: Sequence[Tensor], generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Per batch of indices its images (B, C, S, S) and their labels (B,)."""
        for batch in batches:
            chosen = batch.to(self.images.device)
            images = self._drawn(chosen, generator)
            if self.tops is not None:
                images = augment_flow(images, self.tops[chosen], self.settings, generator)
            yield images, self.labels[chosen]

    def evaluation_batch(self, indices: Tensor) -> Tensor:
        """The images that networks are tested on: (B, C, S, S)."""
        return self.images[indices.to(self.images.device)]

    def mirrored_batch(self, indices: Tensor) -> Tensor | None:
        """Their mirror images, where `data.test_mirror` wants them and they are flow."""
        if self.tops is None or not self.settings.test_mirror:
            return None
        chosen = indices.to(self.images.device)
        return mirrored(self.images[chosen], -1, U, self.tops[chosen])

    def _drawn(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        if self.views is None:
            return self.images[chosen]
        which = torch.randint(self.views.shape[1], (len(chosen),), generator=generator)
        return self.views[chosen, which.to(chosen.device)]


Tensors = ClipTensors | StillTensors
"""What a network of any kind is trained on."""


def batches(
    indices: Sequence[int], size: int, generator: torch.Generator, shuffle: bool = True
) -> list[Tensor]:
    """Batches of indices, shuffled or in order; a last batch of a single clip is dropped."""
    order = torch.as_tensor(indices)
    if shuffle:
        order = order[torch.randperm(len(indices), generator=generator)]
    return [batch for batch in order.split(size) if len(batch) >= SMALLEST_BATCH]


def class_by_class(clips: Tensors, indices: Sequence[int]) -> list[int]:
    """The indices sorted by class, in their order within each class."""
    order = _labels(clips, indices).argsort(stable=True).cpu()
    return torch.as_tensor(indices)[order].tolist()


def appearances(clips: Tensors, indices: Sequence[int], balance: int) -> Tensor | None:
    """Expected number of times that each clip occurs in an epoch, float64 (len(indices),).

    Every class is oversampled to `balance` times the clips of the rarest class; in a class with
    more clips than that each occurs once. None without balancing (balance 0).
    """
    if not balance:
        return None
    labels = _labels(clips, indices).cpu()
    counts = torch.bincount(labels).double()
    return (balance * counts[counts > 0].min() / counts[labels]).clamp(min=1)


def repeated(indices: Sequence[int], times: Tensor, generator: torch.Generator) -> list[int]:
    """Each index as often as `times` says; fractions are rounded up or down at random."""
    uniform = torch.rand(len(times), generator=generator)
    return torch.as_tensor(indices).repeat_interleave((times + uniform).floor().long()).tolist()


def class_weights(clips: Tensors, indices: Sequence[int]) -> Tensor:
    """Inverse class frequencies among `indices`, mean 1 over the classes that occur: (classes,)."""
    labels = _labels(clips, indices)
    counts = torch.bincount(labels, minlength=clips.classes).float()
    inverse = torch.where(counts > 0, 1 / counts.clamp(min=1), 0)
    return inverse * (counts > 0).sum() / inverse.sum()


def _labels(clips: Tensors, indices: Sequence[int]) -> Tensor:
    return clips.labels[torch.as_tensor(indices, device=clips.labels.device)]
