"""Facts on a run's searches for its page: cost, health measures, agreement between folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from statistics import fmean
from typing import Any

from bench.runs.record import RunRecord
from bench.runs.searches import SearchRecord, read_summary, run_searches

FACTS = {
    "reach": "reach: architecture steps × learning rate",
    "seconds": "seconds",
    "clip_passes": "clip passes: forward and backward of one clip, forward alone 1/3",
    "macs": "multiply-accumulates of convolutions and linear layers in them",
    "networks": "networks trained from scratch",
    "operation_entropy": "entropy of α, nats (mean over edges)",
    "edge_entropy": "entropy of η, nats (mean over nodes)",
    "path_entropy": "entropy of β, nats (mean over states with a choice)",
    "none_mass": "weight on none (mean over edges)",
    "skip_mass": "weight on skip (mean over edges)",
    "skip_share": "share of skip among the operations decoded",
    "loss_b": "loss of the supernet on Train B over ln C (above 1: worse than equal chances)",
    "supernet_acc": "accuracy of the supernet on Train B",
    "discretised_acc": "accuracy of the decoded genotype with the same weights on Train B",
    "discretisation_gap": "discretisation gap: the first minus the second",
}
"""Key of a search, of its `cost` or of its `health` in `genotype.json` -> its name."""

WHOLE = 100
"""Numbers from here on are shown without decimals."""

AGREEMENT = {
    "path": "pairs of folds with the same path",
    "layers": "layers with the same resolution",
    "edges": "edges kept (Jaccard index)",
    "cell": "edges kept with their operations (Jaccard index)",
}


def health_facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """(what, value) of a run's searches: cost, and health at their end, means over searches.

    Empty where nothing was searched, or by a version that recorded neither.
    """
    return tuple(_means(list(map(_facts, run_searches(record.files, record.searches)))))


def _facts(search: SearchRecord) -> dict[str, Any]:
    cost = asdict(search.cost) if search.cost else {}
    return {"reach": search.reach, **cost, **(search.health or {})}


def _means(found: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for key, name in FACTS.items():
        values = [health[key] for health in found if health.get(key) is not None]
        if not values:
            continue
        text = _number(fmean(values))
        if len(values) > 1:
            least, most = _number(min(values)), _number(max(values))
            text += f" ({least} to {most} over {len(values)} searches)"
        yield name, text


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= WHOLE else f"{value:.4f}"


def agreement_facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """(what, value) on how far the folds' genotypes agree; empty where there was one search."""
    summary = read_summary(record.files)
    if summary is None:
        return ()
    total = summary["searches"]
    paths = "; ".join(
        f"{' → '.join(map(str, each['path']))}: {each['searches']}" for each in summary["paths"]
    )
    chosen = ", ".join(f"{name} {count}" for name, count in summary["operations"].items())
    return (
        ("searches", str(total)),
        ("paths, with the number of searches that decode to each", paths),
        ("searches that decode to the path of uniform β", f"{summary['uniform_path']} of {total}"),
        ("operations, with the number of times chosen", chosen),
        *(
            (name, f"{summary['agreement'][key]:.3f} (by chance {summary['by_chance'][key]:.3f})")
            for key, name in AGREEMENT.items()
            if summary["agreement"][key] is not None
        ),
    )
