"""Marks of a run: its variant's, changed where the settings supply an input, and its sizes'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.data.steps.landmarks import landmark_points

if TYPE_CHECKING:
    from bench.config.settings import DataConfig
    from bench.data.clips import Clip
    from bench.runs.record import RunFile

NO_MAGNET, NO_LANDMARKS, NOT_MAGNIFIED = "no MagNet", "no landmarks", "not magnified"

SUPPLIED = MappingProxyType(
    {
        NO_MAGNET: "learned magnification",
        NO_LANDMARKS: "landmarks given",
        NOT_MAGNIFIED: "magnified",
    }
)
"""Mark of a missing input -> the mark that replaces it where the settings supply that input."""

SHUFFLED = "shuffled labels"
"""Mark of labels that were permuted over all clips."""

CLIPS_NOT_RECORDED = "training clips not recorded"
"""Mark of networks in older model files: by another name they may have seen the tested clips."""

PRETRAINED, PRETRAINED_GENERATED = "pretrained", "pretrained on generated clips"
"""Marks of networks that start from a model file: of real clips, of generated ones alone."""

GIVEN, GENERATED = "given", "generated"
"""Genotypes of --genotype: from anywhere, and searched on generated people alone."""

DEAD_WEIGHTS = "dead weights"
"""Mark of sizes of which less than LIVE_ENOUGH can learn at the clip size."""

LIVE_ENOUGH = 0.7


COUNTS_DIFFER, LOWER_BOUND = "MAC counts differ", "MACs a lower bound"
COUNTS = ("macs", "macs_fvcore", "macs_ptflops")


def size_marks(profiles: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The marks of sizes and costs, where any of the profiles deserves one; older ones say less."""
    profiles = list(profiles)
    shares = [profile.get("live_share") for profile in profiles]
    counts = [{each.get(name) for name in COUNTS} - {None} for each in profiles]
    unknown = dict.fromkeys(name for each in profiles for name in each.get("uncounted") or ())
    return (
        *((DEAD_WEIGHTS,) if any(s is not None and s < LIVE_ENOUGH for s in shares) else ()),
        *((COUNTS_DIFFER,) if any(len(found) > 1 for found in counts) else ()),
        *((f"{LOWER_BOUND}: {', '.join(unknown)}",) if unknown else ()),
    )


def learnt_from(run: RunFile) -> Iterator[str]:
    """Marks of what its networks learn from, where that is more or less than the clips' labels."""
    if run.setting("data", "shuffle_labels"):
        yield SHUFFLED
    if run.pretrained:
        yield PRETRAINED_GENERATED if run.pretrained.generated else PRETRAINED


def run_marks(marks: Sequence[str], config: DataConfig, clips: Sequence[Clip]) -> tuple[str, ...]:
    """The marks of a run on these clips by a variant that carries `marks`."""

    def supplied(mark: str) -> bool:
        if mark == NO_MAGNET:
            return config.magnify == "learned"
        if mark == NOT_MAGNIFIED:
            return config.magnify != "none"
        if mark == NO_LANDMARKS and config.landmarks:
            return all(landmark_points(clip, config.landmarks) for clip in clips)
        return False

    return tuple(SUPPLIED[mark] if supplied(mark) else mark for mark in marks)
