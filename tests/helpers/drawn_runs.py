"""Run folders with everything that a figure reads: searches that were drawn, not computed."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from math import log
from pathlib import Path

from bench.runs.folder import run_folder
from bench.runs.record import RunRecord, read_run
from rnas.decode import decode, viterbi
from rnas.space import SearchSpace, incoming
from rnas.trellis import Arrow, Trellis

CLASSES = ("negative", "positive", "surprise")
ONE_WAY = SearchSpace(
    name="one_way",
    summary="the smallest space there is: one node, one path",
    operations=("conv_1", "skip", "none"),
    outer=Trellis(layers=2, factors=(2,), moves=("stay",)),
    nodes=1,
)

LEFT_OUT = ("summary", "groups", "marks", "size_target")
"""Fields of a space that `run.json` does not record."""


def make_run(
    root: Path,
    space: SearchSpace,
    *,
    variant: str | None = None,
    dataset: str = "smic",
    surrogate: bool = True,
    preset: str = "smoke",
    digest: str = "aaaa1111",
    seed: int = 0,
    scope: str = "all",
    epochs: int = 8,
    folds: Sequence[str] = ("s01", "s02", "s03", "s04"),
    clips: int = 6,
    uar: float | None = None,
    size: float = 2.0,
) -> RunRecord:
    """Writes a finished run below `root` and reads it back.

    `random_...` as variant leaves no search; `uar` overrides what the predictions give; `size` is
    the network's parameters in millions.
    """
    variant = variant or space.name
    folder = run_folder(root, dataset, surrogate, variant, preset, digest, seed)
    recorded = {key: value for key, value in asdict(space).items() if key not in LEFT_OUT}
    write(
        folder.run,
        {
            "variant": variant,
            "marks": list(space.marks),
            "dataset": dataset,
            "surrogate": surrogate,
            "preset": preset,
            "config_hash": digest,
            "seed": seed,
            "config": {
                "data": {"difficulty": "easy", "shuffle_labels": False},
                "search": {"epochs": epochs, "warmup": 0.3},
                "protocol": {"search_scope": scope},
            },
            "space": recorded,
            "data": {"classes": list(CLASSES)},
            "folds": list(folds),
            "started": f"2024-01-01T00:00:0{seed % 10}+00:00",
        },
    )
    searches = folds if scope == "fold" else ("",)
    for index, fold in enumerate(searches):
        searched = not variant.startswith("random_")
        write_search(folder, space, fold, epochs, random.Random(seed * 1000 + index), searched)
    drawn = random.Random(seed)
    predictions = [predicted(dataset, clips, drawn) for _ in folds]
    for fold, made in zip(folds, predictions, strict=True):
        write(folder.fold(fold), {"subject": fold, "clips": made})
    write(folder.metrics, metrics(predictions, scope, surrogate, uar))
    profile = {"params": int(size * 1e6), "gflops": size * 1.7, "checkpoint_mb": 8 * size}
    write(folder.profile, profile)
    return read_run(folder)


def write(path: Path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def write_search(
    folder, space: SearchSpace, fold: str, epochs: int, drawn: random.Random, searched: bool
) -> None:
    """Weights that drift from uniform, epoch after epoch, and what they decode to."""
    trellis = space.outer
    alpha = [[drawn.gauss(0, 1) for _ in space.operations] for _ in space.edges]
    eta = [drawn.gauss(0, 1) for _ in space.edges]
    logits = {arrow: drawn.gauss(0, 1) for arrow in trellis.arrows}
    logged = []
    for epoch in range(epochs):
        rise = 1.5 * epoch / epochs
        operations = [softmax([rise * value for value in row]) for row in alpha]
        edges = edge_weights(space, eta, rise)
        beta = path_weights(space, logits, rise)
        logged.append((operations, edges, beta))
    operations, edges, beta = logged[-1]
    genotype = decode(space, operations, edges, beta)
    uniform, probability = viterbi(trellis, trellis.uniform())
    record = {
        **genotype.to_dict(),
        "uniform_path": list(uniform),
        "uniform_path_probability": probability,
        "path_is_uniform": genotype.path == uniform,
    }
    if not searched:
        write(folder.genotype(fold), record)
        return
    record["beta"] = [
        {
            "layer": arrow.target.layer,
            "from": trellis.factors[arrow.source.level],
            "to": trellis.factors[arrow.target.level],
            "probability": value,
            "identifiable": arrow.source not in trellis.unidentifiable,
        }
        for arrow, value in beta.items()
    ]
    write(folder.genotype(fold), record)
    weights = [
        {"operation_weights": o, "edge_weights": e, "beta": list(b.values())} for o, e, b in logged
    ]
    labels = {"operations": space.operations, "edges": [list(edge) for edge in space.edges]}
    write(folder.architecture(fold), {**labels, "epochs": weights})
    write_history(folder.history(fold), space, logged, drawn)


def write_history(path: Path, space: SearchSpace, logged, drawn: random.Random) -> None:
    rows = []
    for epoch, (operations, edges, beta) in enumerate(logged):
        rows.append(
            {
                "epoch": epoch,
                "weight_loss": 1.1 * 0.9**epoch + drawn.uniform(0, 0.05),
                "architecture_loss": 1.1 * 0.93**epoch + drawn.uniform(0, 0.05),
                "operation_entropy": sum(map(entropy, operations)) / len(operations),
                "edge_entropy": entropy(edges) / space.nodes if space.edge_norm else "",
                "path_entropy": entropy(beta.values()) / max(len(space.outer.choices), 1),
                "none_mass": operations[0][space.operations.index("none")],
                "skip_mass": operations[0][space.operations.index("skip")],
                "path": "",
            }
        )
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def softmax(values: Sequence[float]) -> list[float]:
    from math import exp

    powers = [exp(value) for value in values]
    return [power / sum(powers) for power in powers]


def edge_weights(space: SearchSpace, eta: Sequence[float], rise: float) -> list[float]:
    if not space.edge_norm:
        return [1.0] * len(space.edges)
    weights = [0.0] * len(space.edges)
    for indices in incoming(space.edges, space.nodes):
        shares = softmax([rise * eta[index] for index in indices])
        for index, share in zip(indices, shares, strict=True):
            weights[index] = share
    return weights


def path_weights(space: SearchSpace, logits: dict[Arrow, float], rise: float) -> dict[Arrow, float]:
    weights = {}
    for state in {arrow.source for arrow in space.outer.arrows}:
        ways = space.outer.out_of(state)
        shares = softmax([rise * logits[arrow] for arrow in ways])
        weights |= dict(zip(ways, shares, strict=True))
    return {arrow: weights[arrow] for arrow in space.outer.arrows}


def entropy(shares) -> float:
    return -sum(share * log(share) for share in shares if share)


def predicted(dataset: str, clips: int, drawn: random.Random) -> list[dict]:
    found = []
    for number in range(drawn.randint(1, clips)):
        true = drawn.randrange(len(CLASSES))
        right = drawn.random() < 0.7
        pred = true if right else drawn.randrange(len(CLASSES))
        names = {"dataset": dataset, "clip": f"c{number}"}
        found.append({**names, "true": true, "pred": pred, "logits": []})
    return found


def metrics(folds, scope: str, surrogate: bool, uar: float | None) -> dict:
    matrix = [[0] * len(CLASSES) for _ in CLASSES]
    for clip in (clip for clips in folds for clip in clips):
        matrix[clip["true"]][clip["pred"]] += 1
    hits = [matrix[k][k] / (sum(matrix[k]) or 1) for k in range(len(CLASSES))]
    return {
        "uar": sum(hits) / len(hits) if uar is None else uar,
        "uf1": 0.5,
        "acc": 0.5,
        "confusion": matrix,
        "classes": list(CLASSES),
        "absent": [],
        "clips": sum(map(sum, matrix)),
        "slices": {},
        "protocol": {
            "aggregation": "pooled",
            "search_scope": scope,
            "leaky": scope == "all",
            "leaks": ["search_scope=all"] if scope == "all" else [],
            "surrogate": surrogate,
        },
    }
