"""The model file: one safetensors file with the weights and everything needed to use them.

Its metadata hold, besides the version of the format, a JSON text for each field of `ModelRecord`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import BenchError, DataError, UsageError, printable
from bench.runs.checksums import require_as_made
from bench.runs.code import changed_network
from bench.runs.record import RunFile
from bench.runs.typed import read_as
from bench.system.files import write_atomic
from rnas.genotype import Genotype

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMAT = 1
"""Version of the layout."""

VERSION_KEY = "bench_model"
SUM_KEY = "sha256"

NAMED_FILES = ("landmarks", "magnifier_weights", "class_map")
"""Settings of the clips that may name a file of the user's."""

WHOLE = "all clips"
"""`ModelRecord.fold` of a network that was trained on all clips of its run."""


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """What a model file says beside its weights.

    run: the `run.json` of its run: variant, classes, class map, every setting, provenance;
    genotype: what its network was derived from, None of a fixed network; fold: the subject that it
    was trained without, or `WHOLE`; trained_on: `dataset/subject` of all whose clips it has seen,
    clips, looks: what these clips hold and how they look, whatever they are called (see
    `bench.models.known`; none in files of earlier versions), all with those of the network it
    started from; rule, epoch: which
    epoch's weights these are, by which selection rule; channels_last: whether they lie in that
    memory format, which decides last digits; score: of the run, each metric with its 95 % interval
    over subjects, None where there was none yet; marks: of that score.
    """

    what: ClassVar[str] = "model"
    cure: ClassVar[str] = "make it anew with `bench fit RUN`, or `bench pretrain` if that made it"

    run: RunFile
    genotype: Mapping[str, Any] | None = None
    fold: str
    trained_on: tuple[str, ...] = ()
    clips: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()
    rule: str
    epoch: int
    channels_last: bool = False
    score: Mapping[str, Any] | None = None
    marks: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits."""
        return self.run.data.classes

    @property
    def title(self) -> str:
        """The model in one line."""
        run = self.run
        clips = run.dataset + (" (surrogate)" if run.surrogate else "")
        part = "trained on all clips" if self.fold == WHOLE else f"trained without {self.fold}"
        return f"{run.variant} on {clips}, preset {run.preset}, seed {run.seed}, {part}"

    @property
    def generated(self) -> bool:
        """Whether its network has seen generated clips alone."""
        return self.run.surrogate and (self.run.pretrained is None or self.run.pretrained.generated)

    @property
    def decoded(self) -> Genotype | None:
        """The genotype; MethodError where it is none."""
        return Genotype.from_json(json.dumps(self.genotype)) if self.genotype else None


def recorded_run(run: RunFile) -> RunFile:
    """`run.json` as a model file holds it: without paths of the machine that made it."""
    makers = (replace(maker, argv=None) for maker in run.continued)
    files = {name: Path(run.setting("data", name, "")).name for name in NAMED_FILES}
    data = {**run.config["data"], **{name: file for name, file in files.items() if file}}
    started = Path(run.setting("train", "pretrained", "")).name
    train = {**run.config["train"], **({"pretrained": started} if started else {})}
    source = run.data.source or run.dataset
    return replace(
        run,
        config={**run.config, "data": data, "train": train},
        data=replace(run.data, source=Path(source).name, root=None, problems=()),
        provenance=replace(run.provenance, argv=None),
        continued=tuple(makers),
    )


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """A copy of a network's state on the CPU; BenchError where it holds what is no tensor."""
    import torch

    state = network.state_dict()
    odd = [name for name, value in state.items() if not isinstance(value, torch.Tensor)]
    if odd:
        raise BenchError(
            f"the network cannot be saved: its state {odd[0]!r} is no tensor; use save.weights=none"
        )
    return {
        name: value.detach().to("cpu", memory_format=torch.contiguous_format, copy=True)
        for name, value in state.items()
    }


def lies_channels_last(network: nn.Module) -> bool:
    """Whether any of its weights lies in memory otherwise than torch lays them out by default."""
    return any(not parameter.is_contiguous() for parameter in network.parameters())


def write_model(path: Path, record: ModelRecord, weights: Mapping[str, Tensor]) -> None:
    """Writes a model file, whole or not at all; BenchError where it cannot be written."""
    content = model_content(record, weights)
    write_atomic(path, lambda file: file.write(content))


def model_content(record: ModelRecord, weights: Mapping[str, Tensor]) -> bytes:
    """The bytes of a model file."""
    from safetensors.torch import save

    metadata = {
        VERSION_KEY: str(FORMAT),
        **{name: json.dumps(value, allow_nan=False) for name, value in asdict(record).items()},
    }
    metadata[SUM_KEY] = content_sum(metadata, weights)
    return save(dict(weights), metadata)


def read_model(path: Path) -> tuple[ModelRecord, dict[str, Tensor]]:
    """What a model file says, and its weights on the CPU.

    Raises UsageError where there is no such file, DataError where it is damaged, foreign, of a
    newer version, or not as it was written: whatever writes this format adds its content's sum.
    BenchError where it lies in a run folder in the place of the one that was made there.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        what = "is no model file" if path.exists() else "is not there, the model file"
        raise UsageError(
            f"{printable(path)} {what}; `bench fit RUN` makes one, and `bench run` with "
            "--set save.weights=last one for every fold (RUN/models/)"
        )
    require_as_made(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            record = _record(metadata, path)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        reason = printable(" ".join(str(error).split()))[:120]
        raise DataError(
            f"{printable(path)} is no whole model file ({reason}); copy it again, or "
            f"{ModelRecord.cure}"
        ) from error
    if metadata.get(SUM_KEY) != content_sum(metadata, weights):
        what = "differ from the file's own checksum" if SUM_KEY in metadata else "have no checksum"
        raise DataError(
            f"{printable(path)}: weights or record {what}; copy it again, or {ModelRecord.cure}"
        )
    return record, weights


def require_own_code(record: ModelRecord, where: object) -> None:
    """BenchError where the network would answer by other code of a package than it was made by."""
    if changed := changed_network(record.run, derived=record.genotype is not None):
        raise BenchError(
            f"{where} was made by other code of {', '.join(changed)}: weights mean nothing to "
            "another network; install the version of its package that made the file, or make it "
            "anew"
        )


def content_sum(metadata: Mapping[str, str], weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of all that a model file holds but the sum itself."""
    import torch

    digest = sha256()
    for name in sorted(metadata.keys() - {SUM_KEY}):
        digest.update(f"{name}\0{metadata[name]}\0".encode())
    for name in sorted(weights):
        value = weights[name]
        digest.update(f"{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
        digest.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _record(metadata: Mapping[str, str], path: Path) -> ModelRecord:
    version = metadata.get(VERSION_KEY, "")
    if not version.isdecimal():
        raise DataError(
            f"{printable(path)} holds weights, but is no model file of this harness; "
            f"{ModelRecord.cure}"
        )
    if int(version) > FORMAT:
        raise DataError(
            f"{printable(path)} has format {version}, this version reads up to {FORMAT}: update "
            "rnas-mer-bench"
        )
    known = {field.name for field in fields(ModelRecord)}
    try:
        content = {name: json.loads(metadata[name]) for name in metadata if name in known}
    except (ValueError, RecursionError) as error:
        raise DataError(f"{printable(path)}: damaged metadata ({error})") from None
    return read_as(ModelRecord, content, printable(path))
