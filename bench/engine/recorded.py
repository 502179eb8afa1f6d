"""Whether a unit and its clips are those of the run that `run.json` describes.

Executors, listeners and data sets of packages lie between the command and the work.
"""

from __future__ import annotations

from bench.config.loading import means_the_same
from bench.data.clips import ClipSet
from bench.errors import BenchError
from bench.runs.job import Job
from bench.runs.record import read_run_file


def require_own_job(job: Job) -> None:
    """BenchError where the job is not that of the run whose folder it writes to."""
    run = read_run_file(job.folder)
    alike = {
        "variant": run.variant == job.variant,
        "seed": run.seed == job.seed,
        "folds": run.folds == job.folds,
        "settings": means_the_same(job.config, run.config),
    }
    if odd := [what for what, same in alike.items() if not same]:
        raise BenchError(
            f"the unit is none of the run {job.folder.path} ({', '.join(odd)} differ): an executor "
            "or a listener has changed it; it has to be performed as it was planned"
        )


def require_own_clips(job: Job, clip_set: ClipSet) -> None:
    """BenchError where the loaded clips are not those that the run began with."""
    began = read_run_file(job.folder).data
    if (clip_set.fingerprint, clip_set.apexes) != (
        began.fingerprint,
        began.apexes or clip_set.apexes,
    ):
        raise BenchError(
            f"{job.data_name}: the {len(clip_set.clips)} clips read now are not those that "
            f"the run {job.folder.path} began with: clips, labels, frames or apexes changed; a "
            "data set has to give the same each time"
        )
