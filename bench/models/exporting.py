"""A network for other programs: torch.export, ONNX, TorchScript; the batch size stays free."""

from __future__ import annotations

import copy
import io
import json
import logging
import warnings
from collections.abc import Callable, Mapping
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

Facts = Mapping[str, str]
"""What the file says of itself: `classes` as JSON, `model`."""


def export(model: Model, path: Path, form: str) -> None:
    """Writes a model's network as `pt2`, `onnx` or `torchscript`, with its classes.

    Its input is what the run's preprocessing makes of clips, not a video. Raises UsageError where
    packages for ONNX are missing, BenchError where the network cannot be exported.
    """
    if form not in FORMS:
        raise unknown_name("export format", form, FORMS)
    network = copy.deepcopy(model.network).cpu().eval()
    example = torch.rand(TRIED, *model.shape)
    facts = {"classes": json.dumps(model.classes), "model": model.record.title}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # torchvision, which nothing here needs
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # torch's own, of its own graphs
            content = FORMS[form](network, example, facts)
    except BenchError:
        raise
    except Exception as error:  # what a graph cannot hold, torch says in many ways
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise BenchError(f"{model.record.title}: no {form} of its network ({reason})") from error
    write_atomic(path, lambda file: file.write(content))


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


FORMS: MappingProxyType[str, Callable[[nn.Module, Tensor, Facts], bytes]] = MappingProxyType(
    {"pt2": _pt2, "onnx": _onnx, "torchscript": _torchscript}
)
