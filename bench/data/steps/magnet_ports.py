"""PyTorch ports of the network of Oh et al. 2018: what they call its layers, and where they differ.

Only names and shapes are known here, no code of theirs. Of the paper's network they keep
M_a + h(α g(M_b - M_a)), or add to the shape of the frame, M_b, as the authors' own code does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

State = Mapping[str, "Tensor"]

MAGNET_VERSION = 1
"""Raised whenever the same weights would give other frames: old cache entries lapse."""

ANCHOR_ONSET, ANCHOR_FRAME = "onset", "frame"
"""The shape that the enlarged difference is added to."""

_WRAPPERS = re.compile(r"^(?:(?:module|model|net|network|magnet|magnifier|_orig_mod)\.)+")


@dataclass(frozen=True)
class Form:
    """What ports differ in: biases, the manipulator's first kernel, a convolution of the texture
    in the decoder, and what the enlarged difference is added to."""

    bias: bool = True
    kernel: int = 3
    texture_conv: bool = False
    anchor: str = ANCHOR_ONSET


@dataclass(frozen=True)
class Port:
    """Names of the layers, ours -> theirs; `{}` in a block's is its number.

    block: what its two convolutions are called; branch_start: the number of the first block of a
    branch, where blocks are counted with what lies before them.
    """

    name: str
    form: Form
    layers: Mapping[str, str]
    block: tuple[str, str]
    branch_start: int = 0

    def theirs(self) -> dict[str, str]:
        """Every convolution: our name -> theirs, without `.weight`."""
        names = {}
        for ours, theirs in self.layers.items():
            count = BLOCKS.get(ours)
            if count is None:
                names[ours] = theirs
                continue
            start = self.branch_start if ours.startswith("encoder.") and "." in ours[8:] else 0
            for number in range(count):
                own = ours if ours == "manipulator.block" else f"{ours}.{number}"
                other = theirs.format(number + start)
                names[f"{own}.first"] = f"{other}.{self.block[0]}"
                names[f"{own}.second"] = f"{other}.{self.block[1]}"
        return names


BLOCKS = {
    "encoder.blocks": 3,
    "encoder.texture.blocks": 2,
    "encoder.shape.blocks": 2,
    "manipulator.block": 1,
    "decoder.blocks": 9,
}
"""Residual blocks by place."""

PORTS = (
    Port(
        "this project",
        Form(),
        {
            "encoder.enter": "encoder.enter",
            "encoder.halve": "encoder.halve",
            "encoder.blocks": "encoder.blocks.{}",
            "encoder.texture.enter": "encoder.texture.enter",
            "encoder.texture.blocks": "encoder.texture.blocks.{}",
            "encoder.shape.enter": "encoder.shape.enter",
            "encoder.shape.blocks": "encoder.shape.blocks.{}",
            "manipulator.before": "manipulator.before",
            "manipulator.after": "manipulator.after",
            "manipulator.block": "manipulator.block",
            "decoder.blocks": "decoder.blocks.{}",
            "decoder.merge": "decoder.merge",
            "decoder.leave": "decoder.leave",
        },
        ("first", "second"),
    ),
    Port(
        "cgst/motion-magnification",
        Form(),
        {
            "encoder.enter": "encoder.conv.1",
            "encoder.halve": "encoder.conv.4",
            "encoder.blocks": "encoder.res.{}",
            "encoder.texture.enter": "encoder.texture.1",
            "encoder.texture.blocks": "encoder.texture.{}",
            "encoder.shape.enter": "encoder.shape.1",
            "encoder.shape.blocks": "encoder.shape.{}",
            "manipulator.before": "manipulator.conv1.1",
            "manipulator.after": "manipulator.conv2.1",
            "manipulator.block": "manipulator.conv2.2",
            "decoder.blocks": "decoder.res.{}",
            "decoder.merge": "decoder.deconv.2",
            "decoder.leave": "decoder.deconv.5",
        },
        ("block.1", "block.4"),
        branch_start=3,
    ),
    Port(
        "ZhengPeng7/motion_magnification_learning-based",
        Form(bias=False, anchor=ANCHOR_FRAME),
        {
            "encoder.enter": "encoder.cba_1.conv2d",
            "encoder.halve": "encoder.cba_2.conv2d",
            "encoder.blocks": "encoder.resblks.{}",
            "encoder.texture.enter": "encoder.texture_cba.conv2d",
            "encoder.texture.blocks": "encoder.texture_resblks.{}",
            "encoder.shape.enter": "encoder.motion_cba.conv2d",
            "encoder.shape.blocks": "encoder.motion_resblks.{}",
            "manipulator.before": "manipulator.g.conv2d",
            "manipulator.after": "manipulator.h_conv.conv2d",
            "manipulator.block": "manipulator.h_resblk",
            "decoder.blocks": "decoder.resblks.{}",
            "decoder.merge": "decoder.cba_1.conv2d",
            "decoder.leave": "decoder.cba_2.conv2d",
        },
        ("cba_1.conv2d", "cba_2.conv2d"),
    ),
    Port(
        "the port with convblks and conv1_text",
        Form(bias=False, kernel=7, texture_conv=True, anchor=ANCHOR_FRAME),
        {
            "encoder.enter": "encoder.conv1",
            "encoder.halve": "encoder.conv2",
            "encoder.blocks": "encoder.resblks.{}",
            "encoder.texture.enter": "encoder.conv1_text",
            "encoder.texture.blocks": "encoder.resblks_text.{}",
            "encoder.shape.enter": "encoder.conv1_shape",
            "encoder.shape.blocks": "encoder.resblks_shape.{}",
            "manipulator.before": "manipulator.convblks.0.conv1",
            "manipulator.after": "manipulator.convblks_after.0.conv1",
            "manipulator.block": "manipulator.resblks.0",
            "decoder.texture": "decoder.conv1_text",
            "decoder.blocks": "decoder.resblks.{}",
            "decoder.merge": "decoder.conv1",
            "decoder.leave": "decoder.conv2",
        },
        ("conv1", "conv2"),
    ),
)


def fitted(
    file: str, state: State, wanted: Callable[[Form], State]
) -> tuple[Form, dict[str, Tensor]]:
    """The form of the network that `state` is of, and its tensors by our names.

    wanted: the state, by our names, of a network of a form. Raises DataError that names what lacks,
    what is too much and what has another shape, beside the port that comes nearest.
    """
    given = {_WRAPPERS.sub("", name): tensor for name, tensor in state.items()}
    port = max(PORTS, key=lambda port: len(given.keys() & _entries(port)))
    form = port.form
    if port is PORTS[0]:
        form = _own_form(given)
    ours = {theirs: own for own, theirs in port.theirs().items()}
    if port is PORTS[0] and form.texture_conv:
        ours["decoder.texture"] = "decoder.texture"
    own = {_renamed(name, ours): tensor for name, tensor in given.items()}
    target = wanted(form)
    faults = [*_faults(own, target)]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise DataError(
            f"magnifier weights {file} are no state of the network of Oh et al. 2018 (nearest: "
            f"{port.name}): {'; '.join(faults[:3])}{more}"
        )
    return form, own


def weights_digest(file: str) -> str:
    """SHA-256 of a weights file, which cache keys and run records name it by; UsageError without.

    The file is read again only where its size or times changed.
    """
    path = Path(file).expanduser()
    try:
        found = path.stat()
        return _digest(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    except OSError as error:
        raise UsageError(
            f"data.magnifier_weights={file}: the file cannot be read ({error.strerror}); name the "
            "state_dict of a trained network of Oh et al. 2018"
        ) from error


@lru_cache(maxsize=4)
def _digest(path: Path, size: int, modified: int, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _entries(port: Port) -> set[str]:
    return {f"{theirs}.weight" for theirs in port.theirs().values()}


def _own_form(given: State) -> Form:
    """The form of a network of this project: any, told by what is there."""
    before = given.get("manipulator.before.weight")
    seven = before is not None and before.shape[-1] == 7
    return replace(
        PORTS[0].form,
        bias="encoder.enter.bias" in given,
        kernel=7 if seven else 3,
        texture_conv="decoder.texture.weight" in given,
    )


def _renamed(name: str, ours: Mapping[str, str]) -> str:
    """Our name of an entry; its own where the port has none."""
    layer, _, kind = name.rpartition(".")
    return f"{ours[layer]}.{kind}" if layer in ours else name


def _faults(own: State, target: State) -> list[str]:
    lacking = [f"lacks {name}" for name in target if name not in own]
    shapes = [
        f"{name} is {_by(own[name])}, expected {_by(tensor)}"
        for name, tensor in target.items()
        if name in own and own[name].shape != tensor.shape
    ]
    return [*shapes, *lacking, *(f"has {name} besides" for name in own if name not in target)]


def _by(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "one number"
