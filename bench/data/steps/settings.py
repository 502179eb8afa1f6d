"""What the steps between disk and cache are told."""

from __future__ import annotations

from dataclasses import dataclass, fields

from bench.config.settings import ClipConfig
from bench.errors import UsageError


@dataclass(frozen=True)
class Preprocessing(ClipConfig):
    """`ClipConfig` whose settings go together; UsageError where they do not."""

    def __post_init__(self) -> None:
        if self.crop == "landmarks" and not self.landmarks:
            raise UsageError("data.crop=landmarks needs the file: --set data.landmarks=FILE.csv")
        if self.magnify == "learned" and not self.magnifier_weights:
            raise UsageError(
                "data.magnify=learned needs the weights of the network: --magnifier-weights FILE, "
                "the state_dict of a trained one"
            )
        if self.magnify_low >= self.magnify_high:
            raise UsageError(
                f"data.magnify_low={self.magnify_low} is not below "
                f"data.magnify_high={self.magnify_high}"
            )


def preprocessing(config: ClipConfig) -> Preprocessing:
    """The steps between disk and cache under these settings."""
    names = (item.name for item in fields(Preprocessing))
    return Preprocessing(**{name: getattr(config, name) for name in names})
