"""What the page needs to compare two runs in the browser, as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reports.page.runs import SCORES
from reports.page.views import RunView

PROTOCOL = ("aggregation", "search_scope", "selection")
"""Keys of the protocol that must agree before two scores may be subtracted."""


def comparison_data(views: Iterable[RunView]) -> list[dict[str, Any]]:
    """One entry a run: whatever decides whether two runs may be compared, and what differs."""
    return [_entry(view) for view in views]


def _entry(view: RunView) -> dict[str, Any]:
    record = view.record
    return {
        "id": view.anchor,
        "label": view.label,
        "place": view.place,
        "fingerprint": view.data.fingerprint,
        "classes": list(view.classes),
        "protocol": _protocol(view),
        "leaky": any("leaky" in mark.words for mark in view.marks),
        "settings": {
            "variant": record.variant,
            "preset": record.preset,
            "seed": record.seed,
            **{setting.key: setting.value for setting in view.settings},
        },
        "scores": [
            [row.name, *(getattr(row, metric) for metric in SCORES), row.clips]
            for row in view.scores
        ],
        "subjects": [
            {
                "name": f"{subject.name}, {subject.place}",
                "clips": {each.clip: [each.true, each.predicted] for each in subject.predictions},
            }
            for subject in view.subjects
        ],
    }


def _protocol(view: RunView) -> dict[str, Any]:
    """How the scores were made: from the metrics, before there are any from the configuration."""
    record = view.record
    stated: Mapping[str, Any] = (record.metrics or {}).get("protocol", {})
    fallback = {"aggregation": "pooled", **record.config.get("protocol", {})}
    shuffled = record.setting("data", "shuffle_labels", False)
    return {
        **{key: stated.get(key, fallback.get(key)) for key in PROTOCOL},
        "shuffled_labels": stated.get("shuffled_labels", shuffled),
    }
