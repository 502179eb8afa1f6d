"""A network for other programs: torch.export, ONNX, TorchScript; the batch size stays free."""

from __future__ import annotations

import copy
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bench.errors import BenchError, UsageError, unknown_name
from bench.system.files import write_atomic
from bench.system.installed import install_command

if TYPE_CHECKING:
    from bench.models.model import Model

OPSET = 18
"""Version of ONNX's operators."""

INPUT, OUTPUT = "clips", "logits"
"""Names of the graph's input (batch, *shape), float32, and of its output (batch, classes)."""

TRIED = 3
"""Clips of the batch that a graph is made with."""

COMPARED = (1, 5)
"""Clips of the batches on which what was written has to answer as the network does."""

AGREES = 1e-3
"""How far apart logits of one input may lie, of their largest or of 1: other programs add up in
another order."""

Facts = Mapping[str, str]
"""What the file says of itself: `classes` as JSON, `model`."""

Answer = Callable[[Tensor], Tensor]
"""From clips to logits."""


def export(model: Model, path: Path, form: str) -> None:
    """Writes a model's network as `pt2`, `onnx` or `torchscript`, with its classes.

    Its input is what the run's preprocessing makes of clips, not a video. What was made is compared
    with the network on inputs of several kinds and in batches of several sizes (ONNX where
    onnxruntime is installed): a graph holds no choice that Python makes by what it sees. Raises
    UsageError where packages for ONNX are missing, BenchError where the network cannot be exported
    or answers otherwise.
    """
    if form not in FORMS:
        raise unknown_name("export format", form, FORMS)
    network = copy.deepcopy(model.network).cpu().eval()
    example = torch.rand(TRIED, *model.shape)
    facts = {"classes": json.dumps(model.classes), "model": model.record.title}
    try:
        with _quiet(), torch.no_grad():
            content = FORMS[form](network, example, facts)
            made = READERS[form](content)
            same = made is None or _agree(network, made, model.shape)
    except BenchError:
        raise
    except Exception as error:  # what a graph cannot hold, torch says in many ways
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise BenchError(f"{model.record.title}: no {form} of its network ({reason})") from error
    if not same:
        raise BenchError(
            f"{model.record.title}: no {form} of its network: the graph answers otherwise than the "
            "network on other inputs, as where Python's `if` decides by what is in a clip; write "
            "that with torch.where"
        )
    write_atomic(path, lambda file: file.write(content))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch says of its own graphs, and prints of one that it cannot make."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _agree(network: nn.Module, made: Answer, shape: Sequence[int]) -> bool:
    """Whether both give the same logits for other inputs than the graph was made with."""
    for inputs in _inputs(shape):
        ours, theirs = network(inputs), made(inputs)
        near = AGREES * max(1.0, float(ours.nan_to_num().abs().max()))
        if ours.shape != theirs.shape:
            return False
        if not torch.allclose(ours, theirs, rtol=0, atol=near, equal_nan=True):
            return False
    return True


def _inputs(shape: Sequence[int]) -> Iterator[Tensor]:
    """Batches of zeros, of 0 to 1, -1 to 0, -1 to 1 and of large values, (n, *shape)."""
    generator = torch.Generator().manual_seed(0)
    for clips in COMPARED:
        drawn = torch.rand(clips, *shape, generator=generator)
        yield from (0 * drawn, drawn, -drawn, 2 * drawn - 1, 255 * drawn, 20 * drawn - 10)


def _pt2(network: nn.Module, example: Tensor, facts: Facts) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(_program(network, example), buffer, extra_files=dict(facts))
    return buffer.getvalue()


def _onnx(network: nn.Module, example: Tensor, facts: Facts) -> bytes:
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise UsageError(f"ONNX needs further packages: {install_command('onnx')}") from None
    program = torch.onnx.export(
        _program(network, example),
        (),
        input_names=[INPUT],
        output_names=[OUTPUT],
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    graph = program.model_proto
    for key, value in facts.items():
        graph.metadata_props.add(key=key, value=value)
    return graph.SerializeToString()


def _torchscript(network: nn.Module, example: Tensor, facts: Facts) -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(network, example), buffer, _extra_files=dict(facts))
    return buffer.getvalue()


def _program(network: nn.Module, example: Tensor) -> torch.export.ExportedProgram:
    return torch.export.export(
        network, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},)
    )


def _pt2_answer(content: bytes) -> Answer:
    return torch.export.load(io.BytesIO(content)).module()


def _onnx_answer(content: bytes) -> Answer | None:
    try:
        from onnxruntime import InferenceSession
    except ImportError:
        return None
    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    return lambda clips: torch.from_numpy(session.run([OUTPUT], {INPUT: clips.numpy()})[0])


def _torchscript_answer(content: bytes) -> Answer:
    return torch.jit.load(io.BytesIO(content))


FORMS: MappingProxyType[str, Callable[[nn.Module, Tensor, Facts], bytes]] = MappingProxyType(
    {"pt2": _pt2, "onnx": _onnx, "torchscript": _torchscript}
)

READERS: MappingProxyType[str, Callable[[bytes], Answer | None]] = MappingProxyType(
    {"pt2": _pt2_answer, "onnx": _onnx_answer, "torchscript": _torchscript_answer}
)
"""From what was made to its answers; None where nothing installed can run it."""
