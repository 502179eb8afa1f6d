"""`--executor ray`: units as tasks of a Ray cluster, several on a card where they fit."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from bench.engine.executing.pools import AT_A_TIME, Pool, RemoteExecutor, WorkerDied
from bench.engine.executing.working import Failure, Needs, Order, carry_out
from bench.engine.plan import Task
from bench.errors import BenchError
from bench.system.installed import install_command

if TYPE_CHECKING:
    from ray import ObjectRef

STEPS = 20
"""Shares of a card are multiples of 1/20."""


@dataclass(frozen=True)
class RayExecutor(RemoteExecutor):
    """Units as tasks of Ray.

    address: of a running cluster, empty for the one in RAY_ADDRESS or that runs here, and for Ray's
    own on this machine where there is none; gpus: share of a card, None for what its memory
    suggests; card_gb: memory of the cluster's cards.
    """

    address: str = ""
    gpus: float | None = None
    card_gb: float = 16.0

    def needs(self, task: Task) -> Needs | None:
        """See `PoolExecutor.needs`; without cards there is nothing to estimate."""
        import ray

        device = task.unit.job.device
        cards = device.startswith("cuda") or (device == "auto" and "GPU" in ray.cluster_resources())
        return super().needs(task) if cards and self.gpus is None else None

    @contextmanager
    def opened(self) -> Iterator[Pool]:
        """See `PoolExecutor.opened`. A cluster that was not running before ends with the block."""
        try:
            import ray
        except ImportError as error:
            raise BenchError(
                f"--executor ray needs the package ray: {install_command('ray')}"
            ) from error
        joined = ray.is_initialized()
        if not joined:
            try:
                ray.init(
                    address=self.address or None,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    include_dashboard=None if self.address else False,
                )
            except (ConnectionError, ValueError) as error:
                raise BenchError(
                    f"--executor ray: no cluster at {self.address or 'RAY_ADDRESS'}: {error}"
                ) from None
        try:
            yield _Tasks(self)
        finally:
            if not joined:
                ray.shutdown()

    def share(self, needs: Needs | None) -> float:
        """The share of a card for a unit: so much of it as it needs of the memory."""
        if self.gpus is not None or needs is None:
            return self.gpus or 0.0
        return min(1.0, ceil(needs.gpu_gb / self.card_gb * STEPS) / STEPS)


@dataclass(frozen=True)
class _Tasks:
    """Tasks of Ray; one whose machine is lost is not begun again by Ray itself."""

    executor: RayExecutor

    def submit(self, orders: Sequence[Order]) -> Sequence[ObjectRef]:
        """See `Pool.submit`."""
        import ray

        work = ray.remote(carry_out)
        return [
            work.options(
                name=order.task.unit.title,
                num_cpus=self.executor.cores,
                num_gpus=self.executor.share(order.needs),
                max_retries=0,
            ).remote(order)
            for order in orders
        ]

    def wait(self, handles: Collection[ObjectRef], seconds: float) -> Collection[ObjectRef]:
        """See `Pool.wait`."""
        import ray

        every = list(handles)
        ray.wait(every, num_returns=1, timeout=seconds)
        return ray.wait(every, num_returns=len(every), timeout=0)[0]

    def result(self, handle: ObjectRef) -> Failure | None:
        """See `Pool.result`."""
        import ray
        from ray.exceptions import RayError

        try:
            return ray.get(handle)
        except RayError as error:
            raise WorkerDied(" ".join(str(error).split())[:300]) from error


def ray(
    jobs: int | None,
    *,
    address: str = "",
    cores: int = 1,
    gpus: float | None = None,
    card_gb: float = 16.0,
) -> RayExecutor:
    """`--executor ray`."""
    return RayExecutor(jobs or AT_A_TIME, address=address, cores=cores, gpus=gpus, card_gb=card_gb)
