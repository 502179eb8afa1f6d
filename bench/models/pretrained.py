"""Weights to start from: the model file that `train.pretrained` names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.config.settings import Config
from bench.data.clips import Clip, Problem, clip_title
from bench.errors import DataError, UsageError
from bench.models.file import ModelRecord, read_model, require_own_code
from bench.models.known import LEAST_SAME, SAME_SHARE, alike, clip_contents
from bench.runs.checksums import require_as_made
from bench.runs.record import Pretrained
from bench.runs.searches import given_genotype
from rnas.errors import MethodError
from rnas.genotype import Genotype, check_genotype
from rnas.space import SearchSpace

if TYPE_CHECKING:
    from torch import Tensor, nn

MODEL_SUFFIX = ".safetensors"


def pretrained_by(config: Config, classes: Sequence[str]) -> Pretrained | None:
    """What `run.json` says of the file; None where networks start from drawn weights.

    Raises what `read_model` raises, BenchError where a package brings its network with other code
    now, DataError where its classes are others.
    """
    if not config.train.pretrained:
        return None
    path, record, _ = _read(config)
    if record.classes != tuple(classes):
        raise DataError(
            f"train.pretrained={path}: its classes are {', '.join(record.classes)}, those of the "
            f"run {', '.join(classes)}; pretrain with the same data.class_map"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Pretrained(sha256=digest, model=record.title, generated=record.generated)


def genotype_in(file: Path, space: SearchSpace) -> tuple[Genotype, bool]:
    """The genotype in a file of the user's, and whether generated clips alone had a say in it.

    Of a model file it is that of its network. Raises what reading the file raises, UsageError where
    it holds none, or none of the space, BenchError where a run made it and it was changed since.
    """
    genotype, generated = _genotype_in(file)
    try:
        return check_genotype(genotype, space), generated
    except MethodError as error:
        raise UsageError(f"--genotype {file}: {error}") from None


def _genotype_in(file: Path) -> tuple[Genotype, bool]:
    if file.suffix != MODEL_SUFFIX:
        require_as_made(file)
        return given_genotype(file), False
    record, _ = read_model(file)
    if record.decoded is None:
        raise UsageError(f"--genotype {file}: {record.run.variant} is a fixed network, without one")
    return record.decoded, record.generated


def refuse_seen(name: object, record: ModelRecord, tested: Sequence[Clip], cache: Path) -> None:
    """DataError, with the file's name, where its network has seen a clip or its person.

    Also where many of the clips look like what it has seen: compressed, or of the same faces.
    """
    for seen in filter(None, _trained_on(record, tested, cache)):
        raise DataError(
            f"{name}: its network was trained on {seen} would be tested on; train it on other "
            "people, or test on others"
        )
    if count := sum(_look_trained_on(record, tested)):
        raise DataError(
            f"{name}: {count} of {len(tested)} tested clips look like clips that its network was "
            "trained on (compressed, resized or mirrored copies, or the same faces under other "
            "names); train it on other people, or test on others"
        )


def trained_before(
    record: ModelRecord, clips: Sequence[Clip], cache: Path
) -> list[tuple[Problem, ...]]:
    """Of each clip the problem that its network was trained on it, where `refuse_seen` says so."""
    trained = _trained_on(record, clips, cache)
    look = _look_trained_on(record, clips)
    return [
        (Problem("trained", clip_title(clip), f"{TRAINED[why is None]} ({record.title})"),)
        if why or alike
        else ()
        for clip, why, alike in zip(clips, trained, look, strict=True)
    ]


TRAINED = (
    "the network was trained on this clip or person: its answer is no test",
    "the network was trained on a clip that looks like this one: its answer may be no test",
)
"""What is told of a clip that is known again, and of one that looks as if."""


def _trained_on(record: ModelRecord, clips: Sequence[Clip], cache: Path) -> Iterator[str | None]:
    """Of each clip whom or what the network was trained on that it is or shows; else None."""
    known = {*record.clips}
    for clip, contents in zip(clips, clip_contents(clips, cache), strict=True):
        person = f"{clip.dataset}/{clip.subject}"
        if person in record.trained_on:
            yield f"{person}, whom it"
        elif not known.isdisjoint(contents):
            yield f"clip {clip.name} of {person}, or frames of it, under another name: it"
        else:
            yield None


def _look_trained_on(record: ModelRecord, clips: Sequence[Clip]) -> list[bool]:
    """Which clips look like those it was trained on; none where so few do that it may be chance."""
    found = alike(clips, record.looks)
    enough = sum(found) >= max(LEAST_SAME, SAME_SHARE * len(found))
    return [each and enough for each in found]


def start_from_pretrained(
    network: nn.Module, config: Config, tested: Sequence[Clip], cache: Path
) -> None:
    """Gives a network the weights of the file, where `train.pretrained` names one.

    tested: the clips that the network will be tested on. Raises DataError where the file's network
    has seen one of them (`refuse_seen`) or is another one.
    """
    if not config.train.pretrained:
        return
    path, record, weights = _read(config)
    refuse_seen(f"train.pretrained={path}", record, tested, cache)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:160]
        raise DataError(
            f"train.pretrained={path}: its weights are of another network ({record.title}); "
            f"pretrain this variant, with the same genotype where it is searched ({reason})"
        ) from error


def _read(config: Config) -> tuple[Path, ModelRecord, dict[str, Tensor]]:
    """The file, and what is in it; BenchError where a package brings its network otherwise now."""
    path = _file(config)
    record, weights = read_model(path)
    require_own_code(record, f"train.pretrained={path}")
    return path, record, weights


def _file(config: Config) -> Path:
    path = Path(config.train.pretrained).expanduser()
    if not path.exists():
        raise UsageError(
            f"train.pretrained={path} is not there; put it back, since a run that began with it "
            "goes on with the same file alone, or for a new run name another (`bench pretrain`)"
        )
    return path
