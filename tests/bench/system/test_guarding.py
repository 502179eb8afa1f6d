"""What a package's network changes of the process is set back after each call, and said once."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from bench.system.guarding import ARITHMETIC, PROCESS, Performing, guard, undisturbed
from bench.system.packages import forget


def clamped(module, inputs, output=None):
    return output.clamp(-1, 1)


ENTERED = []


def by_context(context):
    context.__enter__()
    return context


class Meddling(nn.Linear):
    """Changes all that it can; with a batch of one clip it then fails."""

    def forward(self, clips):
        ENTERED.append(by_context(torch.inference_mode()))
        torch.autocast("cpu", torch.bfloat16).__enter__()
        nn.modules.module.register_module_forward_hook(clamped)
        register_optimizer_step_pre_hook(clamped)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.set_float32_matmul_precision("medium")
        torch.set_flush_denormal(True)
        torch.backends.mkldnn.enabled = False
        torch.backends.cudnn.enabled = False
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.deterministic = True
        np.seterr(all="raise")
        if len(clips) == 1:
            raise RuntimeError("a single clip")
        return nn.functional.linear(clips, self.weight)


@pytest.mark.parametrize("carried", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
@pytest.mark.parametrize("clips", [1, 2])
def test_all_is_set_back_and_said_once(capsys, carried, clips):
    forget()
    before, module = [setting.read() for setting in PROCESS], Meddling(2, 2)
    guard(module, "network bad of package theirs")
    for _ in range(2):
        try:
            carried(module)(torch.rand(clips, 2))
        except RuntimeError:
            assert clips == 1
        assert [setting.read() for setting in PROCESS] == before
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(PROCESS) - 1  # but the current folder
    assert all(line.startswith("warning: network bad of package theirs changed ") for line in said)


def test_one_that_only_draws_is_not_blamed(capsys):
    module = nn.Dropout(0.5)
    guard(module, "network good of package theirs")
    state = torch.get_rng_state()
    module(torch.rand(2, 2))
    assert not torch.get_rng_state().equal(state)
    assert capsys.readouterr().err == ""


LEFT_ON = {
    "autocast": lambda: by_context(torch.autocast("cpu", torch.bfloat16)),
    "inference mode": lambda: by_context(torch.inference_mode()),
    "gradients": lambda: by_context(torch.no_grad()),
    "the default dtype": lambda: torch.set_default_dtype(torch.float64),
    "hooks of all optimisers": lambda: register_optimizer_step_post_hook(clamped),
}
HOOKS = ("forward_pre", "forward", "full_backward_pre", "full_backward", "buffer_registration")


def hooked(kind):
    return getattr(nn.modules.module, f"register_module_{kind}_hook")(clamped)


@pytest.mark.parametrize(
    ("what", "leave"),
    [
        *LEFT_ON.items(),
        *(("hooks of all modules", lambda kind=kind: hooked(kind)) for kind in HOOKS),
    ],
)
def test_what_is_left_on_is_set_back_wherever_a_unit_is_performed(capsys, what, leave):
    forget()
    before = [setting.read() for setting in PROCESS]
    seen = []
    perform = Performing.now(
        lambda *unit: seen.append((unit, [setting.read() for setting in PROCESS])), "executor it"
    )
    kept = leave()  # as a block that is left only later
    perform("unit", "report")
    assert seen == [(("unit", "report"), before)]
    assert (
        f"warning: executor it changed {what} of the process: set back" in capsys.readouterr().err
    )
    with undisturbed("executor it", ARITHMETIC):
        if hasattr(kept, "__exit__"):
            kept.__exit__(None, None, None)
    assert [setting.read() for setting in PROCESS] == before
    nn.Linear(2, 2)(torch.rand(3, 2)).sum().backward()


def nothing(*unit):
    pass


def test_a_unit_is_performed_in_other_processes_as_here(capsys):
    forget()
    pickle.loads(pickle.dumps(Performing.now(nothing, "executor it")))("unit", "report")
    assert capsys.readouterr().err == ""
