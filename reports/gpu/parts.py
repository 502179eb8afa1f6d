"""The parts of the GPU command, those that are worth most first."""

from __future__ import annotations

from reports.gpu.capsulenet import work as capsulenet
from reports.gpu.correctness import work as correctness
from reports.gpu.folds import work as folds
from reports.gpu.record import Part
from reports.gpu.supernet_step import work as supernet_step
from reports.gpu.whole_protocol import work as whole_protocol

PARTS = (
    Part("correctness", "Correctness on CUDA", 60, correctness),
    Part("supernet_step", "The search step", 120, supernet_step),
    Part("folds", "Many small networks on one card", 120, folds),
    Part("whole_protocol", "The whole protocol at preset `paper`", 120, whole_protocol),
    Part("capsulenet", "CapsuleNet, all epochs of its recipe", None, capsulenet),
)
