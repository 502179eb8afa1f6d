"""A network built anew from a model file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

from bench.errors import BenchError, DataError, UsageError
from bench.methods import registry
from bench.methods.variants import Variant
from bench.models.file import require_own_code
from bench.runs.record import trained_network
from bench.runs.searches import recorded_space
from bench.training.compute import in_channels_last
from rnas.derived import DerivedNetwork

if TYPE_CHECKING:
    from torch import Tensor

    from bench.models.file import ModelRecord


def built(
    record: ModelRecord, weights: Mapping[str, Tensor], where: object
) -> tuple[nn.Module, Variant | None]:
    """The network with these weights, ready to answer, and the variant that it is one of.

    A derived network is built from its space and genotype, and needs no variant: None. A fixed one
    is built by the variant of that name, which has to be installed: a file cannot name code to be
    run. Raises BenchError or MethodError where that is impossible, BenchError where a package
    brings it with other code than that which made the file, DataError where the weights do not fit.
    """
    genotype, classes, method = record.decoded, len(record.classes), None
    if genotype is None:
        method = _installed(record, where)
        with torch.random.fork_rng(devices=[]):  # the weights that are drawn here change no run
            network = method.builder(record.run.settings, classes, None)()
    else:
        network = DerivedNetwork(recorded_space(record.run, where), genotype, classes)
    require_own_code(record, where)
    try:
        network.load_state_dict(dict(weights))
    except (RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise DataError(f"{where}: its weights do not fit its network ({reason})") from error
    if record.channels_last:
        in_channels_last(network)
    return network.eval(), method


def _installed(record: ModelRecord, where: object) -> Variant:
    """The variant of a fixed network; BenchError where there is none or it is another network."""
    try:
        found = registry.variant(record.run.variant)
    except UsageError as error:
        raise UsageError(
            f"{where}: its network is that of a variant which is not installed here: {error}"
        ) from None
    here = found.record(record.run.settings, len(record.classes))["network"]
    recorded, own = trained_network(record.run.network), trained_network(here)
    same = recorded and own and all(recorded[k] == own[k] for k in ("network", "options", "input"))
    if not same:
        raise BenchError(
            f"{where}: variant {record.run.variant} is another network here than in the file; "
            "install the version of its package that made the file"
        )
    return found
