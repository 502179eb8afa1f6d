"""`--executor slurm`: each unit a job of a Slurm cluster, handed in by submitit."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import ceil
from typing import TYPE_CHECKING

from bench.engine.executing.pools import AT_A_TIME, Pool, RemoteExecutor, WorkerDied
from bench.engine.executing.working import Failure, Needs, Order, carry_out
from bench.engine.plan import Task
from bench.errors import BenchError
from bench.system.installed import install_command
from bench.system.processes import usable_cores

if TYPE_CHECKING:
    from submitit import Job

LOGS = ".slurm"

POLL = 1.0
"""Seconds between two looks whether a job has ended."""


@dataclass(frozen=True)
class SlurmExecutor(RemoteExecutor):
    """Units as Slurm jobs; those handed in together are an array.

    cluster: `slurm`, or `local` for processes of this machine; minutes: the limit of each job, None
    for an estimate; gpus: None for one where `--device` names one.
    """

    cluster: str = "slurm"
    partition: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    minutes: int | None = None
    memory_gb: float = 4.0
    gpus: int | None = None

    def needs(self, task: Task) -> Needs | None:
        """See `PoolExecutor.needs`; where the time is given there is nothing to estimate."""
        return None if self.minutes else super().needs(task)

    @contextmanager
    def opened(self) -> Iterator[Pool]:
        """See `PoolExecutor.opened`. Jobs are cancelled where the command ends early."""
        if find_spec("submitit") is None:
            raise BenchError(
                f"--executor slurm needs the package submitit: {install_command('slurm')}"
            )
        jobs = _Jobs(self)
        try:
            yield jobs
        except BaseException:
            for job in jobs.handed_in:
                job.cancel(check=False)
            raise

    def parameters(self, orders: Sequence[Order]) -> dict[str, object]:
        """What submitit is told of jobs for these orders."""
        minutes = max((order.needs.minutes for order in orders if order.needs), default=0)
        on_card = any(order.task.unit.job.device.startswith("cuda") for order in orders)
        gpus = int(on_card) if self.gpus is None else self.gpus
        names = ("partition", "account", "qos", "constraint")
        given = {f"slurm_{name}": getattr(self, name) for name in names if getattr(self, name)}
        return {
            "timeout_min": self.minutes or ceil(minutes),
            "cpus_per_task": self.cores,
            "mem_gb": self.memory_gb,
            "slurm_array_parallelism": self.jobs,
            **({"gpus_per_node": gpus} if gpus else {}),
            **given,
        }


@dataclass
class _Jobs:
    """Jobs of a cluster. Those handed in together get the time of the longest."""

    executor: SlurmExecutor
    handed_in: set[Job] = field(default_factory=set)

    def submit(self, orders: Sequence[Order]) -> Sequence[Job]:
        """See `Pool.submit`. Logs lie in the folder of all runs, in `.slurm`."""
        from submitit import AutoExecutor

        runs = orders[0].task.unit.job.folder.path.parents[3]
        try:
            queue = AutoExecutor(runs / LOGS, cluster=self.executor.cluster)
            queue.update_parameters(**self.executor.parameters(orders), name="bench")
            with queue.batch():
                jobs = [queue.submit(carry_out, order) for order in orders]
        except (RuntimeError, NameError, ValueError) as error:  # no sbatch here, a wrong option
            raise BenchError(f"--executor slurm: {' '.join(str(error).split())}") from None
        self.handed_in.update(jobs)
        return jobs

    def wait(self, handles: Collection[Job], seconds: float) -> Collection[Job]:
        """See `Pool.wait`."""
        until = time.monotonic() + seconds
        while not (ended := [job for job in handles if job.done()]) and time.monotonic() < until:
            time.sleep(POLL)
        return ended

    def result(self, handle: Job) -> Failure | None:
        """See `Pool.result`."""
        from submitit.core.utils import UncompletedJobError

        self.handed_in.discard(handle)
        try:
            return handle.result()
        except UncompletedJobError as error:
            last = str(error).strip().splitlines()[-1]
            raise WorkerDied(f"job {handle.job_id}, {handle.state}: {last}") from error


def slurm(
    jobs: int | None,
    *,
    cluster: str = "slurm",
    partition: str = "",
    account: str = "",
    qos: str = "",
    constraint: str = "",
    minutes: int | None = None,
    memory_gb: float = 4.0,
    cores: int = 1,
    gpus: int | None = None,
) -> SlurmExecutor:
    """`--executor slurm`."""
    return SlurmExecutor(
        jobs or (usable_cores() if cluster == "local" else AT_A_TIME),
        cluster=cluster,
        partition=partition,
        account=account,
        qos=qos,
        constraint=constraint,
        minutes=minutes,
        memory_gb=memory_gb,
        cores=cores,
        gpus=gpus,
    )
