"""What a loss sees of β, and the directions that it does not see.

Eq. 6 gives a state the sum of what enters it, weighted by β. All that reads a state is a resampler,
ReLU-Conv-BN without affine, which removes a common positive factor; only the head reads the states
of the last layer as they are. So a loss sees, before the last layer, the ratios of the β that enter
the same state, and in the last layer β itself. The other directions are null: along them every
state's incoming β change by one factor per state, while those that leave a state still sum to 1.
They depend on β, so they are computed at a point. OPEN has 15 rows of β and 3 null directions.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from rnas.supernet import Architecture
from rnas.trellis import Trellis


def seen(trellis: Trellis) -> Tensor:
    """What a loss sees as sums of log β: (R, arrows) of 1, -1 and 0, in the order of the arrows.

    A row per arrow but the first into a state, whose log β is subtracted; in the last layer a row
    per arrow.
    """
    place = {arrow: number for number, arrow in enumerate(trellis.arrows)}
    one = torch.eye(len(place), dtype=torch.float64)
    rows = []
    for state in trellis.states:
        first, *others = (one[place[arrow]] for arrow in trellis.into(state))
        last = state.layer == trellis.layers
        rows += [first, *others] if last else [other - first for other in others]
    return torch.stack(rows) if rows else one[:0]


@torch.no_grad()
def seen_slopes(architecture: Architecture) -> Tensor:
    """The derivatives of `seen` by the logits of β at this point: (R, logits), float64.

    The logits have a null direction a row of their own, since softmax ignores a common summand.
    """
    place = {arrow: number for number, arrow in enumerate(architecture.space.outer.arrows)}
    places = [place[arrow] for arrow in architecture.free_arrows]
    beta = architecture.path_weights().double().cpu()
    rows = architecture.rows.cpu()
    same = rows[:, None] == rows
    log_beta = torch.eye(len(beta), dtype=torch.float64) - same * beta  # by the logits
    return seen(architecture.space.outer)[:, places] @ log_beta


@torch.no_grad()
def null_directions(architecture: Architecture) -> Tensor:
    """An orthonormal basis of what changes β at this point and no loss: (directions, logits).

    The entries of a row of β sum to 0, so that a common summand of its logits is not among them.
    """
    rows = architecture.rows.cpu()
    summands = torch.eye(architecture.rows_shape[0], dtype=torch.float64)[:, rows]
    _, sizes, directions = torch.linalg.svd(torch.cat([seen_slopes(architecture), summands]))
    rank = int((sizes > 1e-12 * sizes.max()).sum()) if len(sizes) else 0
    return directions[rank:]


def keep_still(architecture: Architecture, optimiser: Optimizer) -> None:
    """Keeps the optimiser from moving β's logits where, to first order, no loss sees them.

    A gradient has no part in a null direction, but Adam scales each logit's by its own size, so
    that its step has one, and weight decay another: the step is projected onto what is seen. A row
    of β that is null as a whole stays as it is.
    """
    logits = architecture.path_logits
    if not len(logits):
        return
    before: list[Tensor] = []

    def remember(*_: object) -> None:
        before[:] = [logits.detach().clone(), seen_slopes(architecture)]

    @torch.no_grad()
    def project(*_: object) -> None:
        start, slopes = before
        step = (logits - start).double().cpu()
        if not (step.isfinite().all() and slopes.isfinite().all()):
            return  # the search reports it at the end of the epoch
        kept = torch.linalg.pinv(slopes) @ (slopes @ step)
        logits.copy_(start + kept.to(start))

    optimiser.register_step_pre_hook(remember)
    optimiser.register_step_post_hook(project)
