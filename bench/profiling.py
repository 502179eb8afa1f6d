"""Parameters and multiply-accumulates of a network, counted three ways.

MACs are those of convolutions and linear layers for one clip; torch's FlopCounterMode is the
primary figure, fvcore and ptflops check it. GFLOPs = 2·MACs / 10^9. MB = 10^6 bytes.
"""

from __future__ import annotations

import copy
import logging
import warnings
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bench.errors import BenchError

BYTES_PER_WEIGHT = 4
MEGA = 10**6


def profile(network: nn.Module, input_shape: tuple[int, ...]) -> dict[str, Any]:
    """`params`, `macs`, `macs_fvcore`, `macs_ptflops`, `gflops`, `weights_mb`, `checkpoint_mb`.

    input_shape: (C, T, H, W) of one clip. A checkpoint holds the weights and one momentum buffer
    of the same size. Peak memory is not measured here: both its figures are None.
    """
    params = sum(parameter.numel() for parameter in network.parameters())
    macs = macs_torch(network, input_shape)
    weights_mb = params * BYTES_PER_WEIGHT / MEGA
    return {
        "params": params,
        "macs": macs,
        "macs_fvcore": macs_fvcore(network, input_shape),
        "macs_ptflops": macs_ptflops(network, input_shape),
        "gflops": 2 * macs / 10**9,
        "weights_mb": weights_mb,
        "checkpoint_mb": 2 * weights_mb,
        "peak_train_mb": None,
        "peak_infer_mb": None,
        "input_shape": list(input_shape),
    }


@torch.no_grad()
def macs_torch(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """MACs of one clip by torch's FlopCounterMode (which counts two operations per MAC)."""
    counter = FlopCounterMode(display=False)
    with counter:
        _evaluating(network)(torch.zeros(1, *input_shape))
    return counter.get_total_flops() // 2


@torch.no_grad()
def macs_fvcore(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """MACs of one clip by fvcore: its convolution and matrix operators alone."""
    from fvcore.nn import FlopCountAnalysis

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
        analysis = FlopCountAnalysis(_evaluating(network), torch.zeros(1, *input_shape))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        by_operator = analysis.by_operator()
    return int(sum(by_operator[name] for name in ("conv", "linear", "addmm", "matmul")))


@torch.no_grad()
def macs_ptflops(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """MACs of one clip by ptflops (aten back end), less the bias additions that it counts too."""
    from ptflops import get_model_complexity_info

    counted, _ = get_model_complexity_info(
        _evaluating(network),  # a copy: ptflops leaves its hooks behind
        input_shape,
        backend="aten",
        as_strings=False,
        print_per_layer_stat=False,
        verbose=False,
    )
    if counted is None:
        raise BenchError("ptflops could not count this network; its message stands above")
    return int(counted) - _bias_additions(network, input_shape)


def _bias_additions(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Additions of a bias in convolutions and linear layers for one clip."""
    additions = 0

    def count(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        nonlocal additions
        additions += output.numel()

    model = _evaluating(network)
    for module in model.modules():
        if isinstance(module, (nn.Conv3d, nn.Linear)) and module.bias is not None:
            module.register_forward_hook(count)
    model(torch.zeros(1, *input_shape))
    return additions


def _evaluating(network: nn.Module) -> nn.Module:
    return copy.deepcopy(network).cpu().eval()
