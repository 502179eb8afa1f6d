"""The command line in this process, and what its runs leave, as tests look at it."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

SUBJECTS = ("s05", "s06", "s15", "s19")
"""Twelve clips of SMIC, every class in two subjects at least."""

SIZES = (
    "data.frames=4",
    "data.size=8",
    "data.subject_count=3",
    "space.nodes=1",
    "space.channels=4",
    "space.kernels=shared",
    "search.epochs=2",
    "train.epochs=2",
    "train.recipe_epochs=5",
)


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The error: the last line on stderr and the only one that begins so, no traceback."""
        lines = self.err.splitlines()
        assert [line for line in lines if line.startswith("error: ")] == lines[-1:], self.err
        assert "Traceback" not in self.err
        return lines[-1]


class Bench:
    """`bench ...`; as in a process of its own, nothing is remembered from one call to the next."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.profiles: dict[tuple, dict] = {}

    def __call__(self, *arguments: object, **variables: object) -> Outcome:
        from bench.cli import main
        from bench.data.sources import load
        from bench.engine import units

        load.cache_clear()
        out, err = io.StringIO(), io.StringIO()
        with (
            one_thread(),
            pytest.MonkeyPatch.context() as patch,
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            patch.delenv("BENCH_DATA", raising=False)
            patch.setattr(units, "profile", self.profile)
            for name, value in {**self.variables, **variables}.items():
                patch.setenv(name, str(value))
            main([str(argument) for argument in arguments])
        return Outcome(ended.value.code, out.getvalue(), err.getvalue())

    def profile(self, network, shape, training) -> dict:
        """As `bench run` makes it, once for all networks alike: counting takes half of a run."""
        from bench.measuring.profiling import profile

        alike = (repr(network), getattr(network, "genotype", None), shape, training)
        if alike not in self.profiles:
            self.profiles[alike] = profile(network, shape, training)
        return self.profiles[alike]

    def small(self, runs: Path, variant: str, *arguments: object, command="run") -> Outcome:
        """A command on the smallest run there is; `arguments` replace its own."""
        return self(*self.small_command(runs, variant, *arguments, command=command))

    def small_command(self, runs: Path, variant: str, *arguments: object, command="run") -> list:
        source = [] if "--data-root" in arguments else ["--surrogate"]
        sizes = [word for size in SIZES for word in ("--set", size)]
        base = ["--dataset", "smic", "--preset", "smoke", "--runs", runs, *sizes]
        return [command, "--variant", variant, *source, *merged(base, arguments)]

    @property
    def variables(self) -> dict[str, str]:
        # A process per run that measures its peak memory would double the time of these tests.
        return {"BENCH_CACHE": str(self.cache), "OMP_NUM_THREADS": "1", "BENCH_PEAKS": "off"}

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a process of its own."""
        kept = {name: value for name, value in os.environ.items() if name != "BENCH_DATA"}
        return kept | self.variables


def changed(base: Sequence[str], given: Sequence[str]) -> list[str]:
    """The settings given, after those of `base` that they do not replace."""
    keys = {each.partition("=")[0] for each in given}
    names = {each: each.partition("=")[0] for each in base}
    return [*(e for e in base if not keys & {names[e], names[e].partition(".")[2]}), *given]


def merged(base: Sequence[object], given: Sequence[object]) -> list[object]:
    """The words given, after those of `base`, pairs of option and value, that they do not replace.

    A command refuses an option or a setting that it is given twice.
    """
    words = [str(word) for word in given]
    own = [word for option, word in pairwise(words) if option == "--set"]
    pairs = list(zip(base[::2], base[1::2], strict=True))
    settings = changed([str(value) for option, value in pairs if option == "--set"], own)
    kept = [
        pair
        for pair in pairs
        if (pair[1] in settings if pair[0] == "--set" else pair[0] not in words)
    ]
    return [*(word for pair in kept for word in pair), *given]


@contextmanager
def one_thread() -> Iterator[None]:
    """The same sums in this process and in those that a test starts."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Run:
    """A run folder as a test looks at it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def json(self, name: str):
        return json.loads((self.path / name).read_text())

    @property
    def folds(self) -> dict[str, dict]:
        """Fold -> what its file says: the predictions."""
        return {p.stem: json.loads(p.read_text()) for p in (self.path / "folds").glob("*.json")}

    @property
    def times(self) -> dict[str, int]:
        """File -> time of its last change, for all that is complete."""
        return {
            str(path.relative_to(self.path)): path.stat().st_mtime_ns
            for path in self.path.rglob("*")
            if path.is_file() and "/." not in str(path.relative_to(self.path.parent))
        }


def without_seals(run: Run) -> None:
    """Makes it a run of a version that had no seals, so that it can be edited."""
    (run.path / "checksums.json").unlink(missing_ok=True)
    shutil.rmtree(run.path / ".seals", ignore_errors=True)
    record = run.json("run.json")
    record.pop("format", None)
    (run.path / "run.json").write_text(json.dumps(record))


def only_run(runs: Path) -> Run:
    """The one run folder below `runs`."""
    (path,) = runs.glob("*/*/*/seed*")
    return Run(path)
