"""Configuration: frozen dataclasses from top to bottom, presets as TOML, `--set key=value`.

Every field carries its help text; a field marked `published=False` is a decision of ours that the
paper does not state, and `docs/settings.md` lists it as such.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args, get_type_hints

from bench.errors import unknown_name

HASH_DIGITS = 8


def setting(default: Any, help: str, *, published: bool = False) -> Any:
    """A configuration field with its help text."""
    return field(default=default, metadata={"help": help, "published": published})


@dataclass(frozen=True)
class DataConfig:
    frames: int = setting(16, "frames T per clip after temporal interpolation (TIM)")
    size: int = setting(112, "height and width of a frame, pixels")
    representation: Literal["rgb", "onset_difference"] = setting(
        "rgb", "what the network sees: frames, or each frame minus the onset frame"
    )
    gain: float = setting(64.0, "factor on onset differences (of intensities in [0, 1])")
    flip: bool = setting(True, "augmentation: mirror a training clip with probability 1/2")
    shift: int = setting(4, "augmentation: move a training clip by up to so many pixels")
    jitter: int = setting(1, "augmentation: move a training clip in time by up to so many frames")
    subjects: str = setting("", "keep only these subjects (names with commas); empty = all")
    subject_count: int = setting(
        0, "keep only so many subjects, those with the most classes and clips; 0 = all"
    )
    difficulty: str = setting("easy", "surrogate clips only: easy, hard or a number in 0..1")
    surrogate_seed: int = setting(0, "surrogate clips only: seed of the generator")
    shuffle_labels: bool = setting(
        False, "control: permute the labels over all clips; every score should fall to chance"
    )
    crop: Literal["none", "detect", "landmarks"] = setting(
        "none", "face crop: none, the face found on the onset frame, or boxes from a file"
    )
    crop_margin: float = setting(0.0, "what a crop adds all round, in sides of its box")
    crop_fallback: Literal["stop", "centre"] = setting(
        "stop", "where no face is found: stop with the clip's name, or take the centre"
    )
    landmarks: str = setting(
        "", "CSV file with a box or points per clip, for crop=landmarks and landmark patches"
    )
    magnify: Literal["none", "eulerian", "learned"] = setting(
        "none", "motion magnification before TIM: Laplacian pyramid, or the network of Oh et al."
    )
    magnifier_weights: str = setting(
        "", "state_dict of that network, for magnify=learned (--magnifier-weights)"
    )
    magnify_alpha: float = setting(10.0, "magnification: motion grows about 1 + alpha times")
    magnify_low: float = setting(0.002, "magnification: lower cut-off over the frame rate")
    magnify_high: float = setting(0.25, "magnification: upper cut-off over the frame rate")
    magnify_wavelength: float = setting(
        16.0,
        "magnification: nominal spatial wavelength (pixels) from which on it is full",
    )
    magnify_side: int = setting(
        160, "magnification: side to which larger faces are shrunk before it, pixels"
    )
    flow_side: int = setting(
        128, "optical flow and landmark patches: side to which the face is scaled first, pixels"
    )
    class_map: str = setting(
        "challenge",
        "classes: challenge (MEGC2019's three), native (the release's own) or a CSV file with "
        "columns emotion, class",
    )
    allow_outside: bool = setting(
        False, "let a manifest name frames outside its own folder (--allow-outside)"
    )
    skip_bad_clips: bool = setting(
        False,
        "go on without clips that are listed but have no frames or label, instead of stopping",
    )


@dataclass(frozen=True)
class SpaceConfig:
    nodes: int = setting(0, "hidden nodes N of a cell; 0 = the variant's own")
    channels: int = setting(0, "width F at the finest level; 0 = the variant's own")
    kernels: Literal["own", "per_op", "shared"] = setting(
        "own", "search: convolutions per hybrid operation or shared; own = as the variant says"
    )
    dilated: Literal["own", "separable", "full"] = setting(
        "own", "dilated operations: the variant's own kind, depthwise-separable, or full"
    )
    attention_form: Literal["own", "gated", "literal", "cbam"] = setting(
        "own", "Eq. 4: gated F*(M_c + M_s), the gates alone as printed, or CBAM's own sequence"
    )
    derived_partial: Literal["own", "true", "false"] = setting(
        "own", "partial channels in the derived network too"
    )
    size: Literal["same", "published"] = setting(
        "same", "width F: the same for all variants, or fitted to each one's row of Table 5"
    )


@dataclass(frozen=True)
class SearchConfig:
    epochs: int = setting(50, "search epochs")
    batch: int = setting(8, "clips per batch of Train A and of Train B")
    weight_lr: float = setting(0.1, "SGD learning rate of w, cosine down to 0")
    momentum: float = setting(0.9, "SGD momentum of w")
    weight_decay: float = setting(3e-4, "weight decay of w")
    clip: float = setting(5.0, "largest gradient norm of w")
    architecture_lr: float = setting(6e-4, "Adam learning rate of α, η, β")
    architecture_beta1: float = setting(0.5, "Adam's first decay rate for α, η, β")
    architecture_beta2: float = setting(0.999, "Adam's second decay rate for α, η, β")
    architecture_decay: float = setting(1e-3, "weight decay of α, η, β")
    evaluation: Literal["fast", "reference"] = setting(
        "fast", "how the supernet is computed: same values and gradients, the reference slowly"
    )
    warmup: float = setting(0.3, "share of the epochs in which α, η, β are frozen")
    channels_last: bool = setting(False, "memory format channels_last_3d for the supernet")


@dataclass(frozen=True)
class TrainConfig:
    epochs: int = setting(100, "training epochs of a derived network, per fold")
    batch: int = setting(16, "clips per training batch")
    lr: float = setting(0.05, "SGD learning rate, cosine down to 0")
    momentum: float = setting(0.9, "SGD momentum")
    weight_decay: float = setting(3e-4, "weight decay")
    clip: float = setting(5.0, "largest gradient norm")
    weighted_loss: bool = setting(False, "weight the cross-entropy by inverse class frequency")
    recipe: Literal["own", "harness"] = setting(
        "own", "fixed networks: train as published, or as derived networks are trained"
    )
    recipe_epochs: int = setting(
        0, "fixed networks: at most so many epochs of their recipe; 0 = as published"
    )
    recipe_lr: float = setting(0.0, "fixed networks: learning rate of it; 0 = as published")


@dataclass(frozen=True)
class ProtocolConfig:
    search_scope: Literal["all", "fold"] = setting(
        "all",
        "search once over all subjects (Algorithm 1 as written: leaky), or inside every fold",
        published=True,
    )
    selection: Literal["last", "inner_val", "oracle"] = setting(
        "last",
        "which epoch is scored: the last, the best on held-out training subjects, or the best on "
        "the test subject (leaky)",
    )
    rules: str = setting(
        "",
        "selection rules to record from the same training run (names with commas); empty = the "
        "one that is scored and last",
    )
    as_released: bool = setting(
        False, "score each fixed network as its released code does, where that differs (see docs)"
    )
    inner_share: float = setting(
        0.2, "share of a fold's training clips that inner_val holds out, by whole subjects"
    )


SELECTION_RULES: tuple[str, ...] = get_args(get_type_hints(ProtocolConfig)["selection"])
LAST, INNER_VAL, ORACLE = SELECTION_RULES


@dataclass(frozen=True)
class ComputeConfig:
    precision: Literal["fp32", "tf32", "bf16"] = setting(
        "fp32",
        "arithmetic of training, never of predictions: float32, TF32 (on a GPU), bfloat16 autocast",
    )
    channels_last: bool = setting(
        True, "memory format channels_last for derived networks, and fixed ones that allow it"
    )
    compile: Literal["off", "default", "reduce-overhead"] = setting(
        "off", "torch.compile in training; reduce-overhead uses CUDA graphs"
    )
    folds_at_once: int = setting(
        1,
        "folds that one process trains together, their weights stacked (plain memory format, not "
        "compiled; networks with dropout one at a time): the same but for rounding; `make gpu` "
        "measures how many are fastest on a card",
    )


@dataclass(frozen=True)
class Config:
    """Everything that decides the predictions of a run, except variant, data set and seed."""

    data: DataConfig = DataConfig()
    space: SpaceConfig = SpaceConfig()
    search: SearchConfig = SearchConfig()
    train: TrainConfig = TrainConfig()
    compute: ComputeConfig = ComputeConfig()
    protocol: ProtocolConfig = ProtocolConfig()

    def to_dict(self) -> dict[str, dict[str, Any]]:
        return asdict(self)

    @property
    def hash(self) -> str:
        """Eight hex digits over all settings: two runs with the same hash are configured alike."""
        return config_hash(self.to_dict())


def config_hash(values: dict[str, dict[str, Any]]) -> str:
    """The hash of settings as `Config.to_dict` and `run.json` hold them, known here or not."""
    canonical = json.dumps(values, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:HASH_DIGITS]


def recorded_rules(protocol: ProtocolConfig) -> tuple[str, ...]:
    """The selection rules that a run records: `last`, those asked for, and the one it is scored by.

    Raises UsageError for an unknown rule.
    """
    asked = [name.strip() for name in protocol.rules.split(",") if name.strip()]
    for name in asked:
        if name not in SELECTION_RULES:
            raise unknown_name("selection rule", name, SELECTION_RULES)
    wanted = {"last", protocol.selection, *asked}
    return tuple(rule for rule in SELECTION_RULES if rule in wanted)


def settings_table() -> Iterator[tuple[str, Any, bool, str]]:
    """(key, default, published, help) of every setting, in order."""
    for section in fields(Config):
        for item in fields(section.default):
            yield (
                f"{section.name}.{item.name}",
                item.default,
                item.metadata["published"],
                item.metadata["help"],
            )
