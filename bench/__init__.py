"""The harness: registry, configuration, data, protocol, training, metrics, run store, commands.

The names in `__all__` are its Python API (docs/api.md). They are imported when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.cli.api import (
        audit,
        fit,
        load_clips,
        load_model,
        load_runs,
        predict,
        predictions,
        run,
        score,
        variants,
    )
    from reports.figures import axes as plots

__version__ = "0.1.0"

__all__ = [
    "audit",
    "fit",
    "load_clips",
    "load_model",
    "load_runs",
    "plots",
    "predict",
    "predictions",
    "run",
    "score",
    "variants",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = import_module("reports.figures.axes" if name == "plots" else "reports.cli.api")
    return found if name == "plots" else getattr(found, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
