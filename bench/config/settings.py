"""Configuration: frozen dataclasses from top to bottom, presets as TOML, `--set key=value`.

Every field carries its help text and the range of its values; a field marked `published=False` is a
decision of ours that the paper does not state, and `docs/settings.md` lists it as such.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, asdict, dataclass, fields
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Literal, get_args, get_type_hints

from baselines.fixed import CROSS_ENTROPY
from bench.errors import unknown_name
from rnas.settings import HIGHEST, LOWEST, SearchSettings, described

HASH_DIGITS = 8

DIFFICULTIES = MappingProxyType({"easy": 0.15, "middle": 0.25, "hard": 0.45})
"""Named difficulties of surrogate clips, from 0 (large motion, no nuisance) to 1 (hardly any)."""

NUISANCES = ("other", "head", "backdrop", "noise", "blink", "crop", "texture")
"""Parts of generated flow images that can be left out: `bench.data.surrogates.flows.Nuisance`."""

SURROGATE_VERSION = 2
"""The version of the generator of surrogate clips that presets and `bench data synth` take.

1: head drift, blinks, drifting light, noise; 2: frames are also misaligned, each on its own.
"""

CODED_VERSION, NEWEST_VERSION = 3, 4
"""The newest version makes the clips of older ones, too; from 3 on, flow images are made as well.

3: action units as the releases code them, one-sided ones among them; uneven motion, less of heads.
4: of SMIC, smiles that are held back, and negative expressions with raised cheeks or parted lips.
"""

CROPPED = ("data.crop", ("detect", "landmarks"))
MAGNIFIED = ("data.magnify", ("eulerian", "learned"))
LODO = ("protocol.split", ("lodo",))
"""What some settings need to have an effect."""

Values = Mapping[str, Mapping[str, Any]]
"""Section -> name -> value, as JSON has them."""

Precision = Literal["fp32", "tf32", "bf16"]

Detector = Literal["cascade", "centerface"]

Spelling = Callable[[Any], Any]


def unchanged(value: Any) -> Any:
    """The spelling of a setting of which no two values mean the same."""
    return value


def setting(
    default: Any,
    help: str,
    *,
    low: float = LOWEST,
    high: float = HIGHEST,
    published: bool = False,
    spelled: Spelling = unchanged,
    later: bool = False,
    needs: tuple[str, tuple[str, ...]] | None = None,
) -> Any:
    """A field of a configuration.

    low, high: the least and the greatest value of a number; published: whether the paper states it;
    spelled: gives all values that mean the same one spelling; later: True for whatever is added
    from now on, which the names of older run folders do not cover (`recorded_hash`); needs: the
    setting, and its values, without which this one has no effect.
    """
    about = {"published": published, "spelled": spelled, "later": later, "needs": needs}
    return described(default, help, low, high, **about)


def names_spelled(names: str) -> str:
    """Names of subjects or data sets in one order and case, each once."""
    return ",".join(sorted({name.strip().casefold() for name in names.split(",")} - {""}))


def difficulty_spelled(level: str) -> str:
    """The number of a named difficulty; what is neither a name nor a number stays as it is."""
    try:
        return str(float(DIFFICULTIES.get(level, level)))
    except ValueError:
        return level


def rules_spelled(names: str) -> str:
    """Selection rules in one order, each once, without the one that is always recorded."""
    return ",".join(sorted({name.strip() for name in names.split(",")} - {"", "last"}))


@dataclass(frozen=True)
class ClipConfig:
    """From the frames on disk to a clip: crop, motion magnification, temporal interpolation."""

    frames: int = setting(
        16, "frames T per clip after temporal interpolation (TIM)", low=1, high=1024
    )
    size: int = setting(112, "height and width of a frame, pixels", low=8, high=1024)
    crop: Literal["none", "detect", "landmarks"] = setting(
        "none", "face crop: none, the face found on the onset frame, or boxes from a file"
    )
    detector: Detector = setting(
        "cascade",
        "crop=detect: scikit-image's LBP cascade, or CenterFace, which finds turned heads too "
        "(extra `faces`); where that is installed, crop=detect sets it",
        later=True,
    )
    crop_margin: float = setting(
        0.0, "what a crop adds all round, in sides of its box", high=2, needs=CROPPED
    )
    crop_fallback: Literal["stop", "centre"] = setting(
        "stop",
        "where no face is found: stop with the clip's name, or take the centre",
        needs=CROPPED,
    )
    landmarks: str = setting(
        "", "CSV file with a box or points per clip, for crop=landmarks and landmark patches"
    )
    magnify: Literal["none", "eulerian", "learned"] = setting(
        "none", "motion magnification before TIM: Laplacian pyramid, or the network of Oh et al."
    )
    magnify_alpha: float = setting(
        10.0, "magnification: motion grows about 1 + alpha times", high=1000, needs=MAGNIFIED
    )
    magnify_low: float = setting(
        0.002, "magnification: lower cut-off over the frame rate", high=0.5, needs=MAGNIFIED
    )
    magnify_high: float = setting(
        0.25, "magnification: upper cut-off over the frame rate", high=0.5, needs=MAGNIFIED
    )
    magnify_wavelength: float = setting(
        16.0,
        "magnification: nominal spatial wavelength (pixels) from which on it is full",
        low=1,
        high=1e4,
        needs=MAGNIFIED,
    )
    magnify_side: int = setting(
        160,
        "magnification: side to which larger faces are shrunk before it, pixels",
        low=16,
        high=1024,
        needs=MAGNIFIED,
    )
    magnifier_weights: str = setting(
        "",
        "state_dict of that network, for magnify=learned (--magnifier-weights)",
        needs=("data.magnify", ("learned",)),
    )


@dataclass(frozen=True)
class DataConfig(ClipConfig):
    """Which clips a run takes, what its networks see of them, and augmentation."""

    representation: Literal["rgb", "onset_difference", "flow"] = setting(
        "rgb",
        "what networks of clips see: frames, each frame minus the onset frame, or optical flow u, "
        "v and strain from the onset to each frame",
    )
    gain: float = setting(64.0, "factor on onset differences (of intensities in [0, 1])")
    flip: bool = setting(True, "augmentation: mirror a training clip with probability 1/2")
    shift: int = setting(4, "augmentation: move a training clip by up to so many pixels")
    flow_mirror: bool = setting(
        False,
        "augmentation of flow images: mirror a training image with probability 1/2, the sign of u "
        "turned",
        later=True,
    )
    flow_shift: int = setting(
        0, "augmentation of flow images: move them by up to so many pixels", high=64, later=True
    )
    flow_scale: float = setting(
        0.0,
        "augmentation of flow images: scale them by a factor between 1/(1 + this) and 1 + this",
        high=1,
        later=True,
    )
    flow_magnitude: float = setting(
        0.0,
        "augmentation of flow images: multiply u and v, each on its own, by a factor between "
        "1/(1 + this) and 1 + this",
        high=10,
        later=True,
    )
    test_mirror: bool = setting(
        False, "test a clip and its mirror image: the mean of the logits counts", later=True
    )
    jitter: int = setting(1, "augmentation: move a training clip in time by up to so many frames")
    subjects: str = setting(
        "",
        "keep only these subjects (names with commas); empty = all",
        spelled=names_spelled,
    )
    subject_count: int = setting(
        0, "keep only so many subjects, those with the most classes and clips; 0 = all"
    )
    difficulty: str = setting(
        "easy",
        "surrogate clips only: easy, middle, hard or a number in 0..1",
        spelled=difficulty_spelled,
    )
    surrogate_version: int = setting(
        1,
        "surrogate clips only: version of the generator; from 2 on, frames are misaligned, too; 3: "
        "action units as the releases code them; 4: other units in SMIC",
        low=1,
        high=NEWEST_VERSION,
        later=True,
    )
    surrogate_seed: int = setting(0, "surrogate clips only: seed of the generator")
    shuffle_labels: bool = setting(
        False, "control: permute the labels over all clips; every score should fall to chance"
    )
    flow_side: int = setting(
        128,
        "optical flow and landmark patches: side to which the face is scaled first, pixels",
        low=16,
        high=1024,
    )
    fresh_seed: int = setting(
        0,
        "surrogate clips only: train one network on all clips and test it on the people that the "
        "generator makes of this seed, instead of leaving one subject out; 0 = leave one out",
        later=True,
    )
    class_map: str = setting(
        "challenge",
        "classes: challenge (MEGC2019's three), native (the release's own), a map such as "
        "0=negative,1=positive,2=surprise or a CSV file with columns emotion, class",
    )
    frames_folder: str = setting(
        "",
        "folder of the frames below the data root, where its name is not the release's; of several "
        "sets as casme2=A,samm=B",
        later=True,
    )
    annotation: str = setting(
        "",
        "spreadsheet (.xlsx, .xls, .csv) below the data root, where its name is not the release's; "
        "of several sets as casme2=A,samm=B",
        later=True,
    )
    corrections: str = setting(
        "",
        "rows of the spreadsheets to correct: known (errors that the releases are known for) or a "
        "CSV file with columns dataset, subject, clip, onset, column, from, to, reason",
        later=True,
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
    """The search space's sizes and forms, where they are not the variant's own."""

    nodes: int = setting(0, "hidden nodes N of a cell; 0 = the variant's own", high=8)
    channels: int = setting(0, "width F at the finest level; 0 = the variant's own", high=512)
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
    operations: str = setting(
        "own", "operations of every edge (names with commas), a factor of Table 3", later=True
    )
    partial: int = setting(
        0,
        "b of Eq. 1, a factor of Table 3: 1 = all channels; 0 = the variant's own",
        high=512,
        later=True,
    )
    edge_norm: Literal["own", "true", "false"] = setting(
        "own", "edge normalisation η of Eq. 2, a factor of Table 3", later=True
    )
    attention: Literal["own", "true", "false"] = setting(
        "own", "spatio-temporal attention of Eq. 3, a factor of Table 3", later=True
    )
    size: Literal["same", "published"] = setting(
        "same", "width F: the same for all variants, or fitted to each one's row of Table 5"
    )


@dataclass(frozen=True)
class SearchConfig(SearchSettings):
    """The search: its optimisers, the clips that it takes at a time, and how it is computed."""

    batch: int = setting(8, "clips per batch of Train A and of Train B", low=2, high=1e6)
    evaluation: Literal["fast", "reference"] = setting(
        "fast", "how the supernet is computed: same values and gradients, the reference slowly"
    )
    channels_last: bool = setting(False, "memory format channels_last_3d for the supernet")


@dataclass(frozen=True)
class TrainConfig:
    """How the networks of the folds are trained."""

    loss: ClassVar[str] = CROSS_ENTROPY

    epochs: int = setting(100, "training epochs of a derived network, per fold", low=1, high=1e6)
    doublings: int = setting(
        0,
        "derived networks: how often one that is not trained (last loss 0.7 ln C or above) is "
        "trained anew for twice the epochs; losses of training alone decide",
        high=6,
        later=True,
    )
    batch: int = setting(16, "clips per training batch", low=2, high=1e6)
    optimiser: Literal["sgd", "adamw"] = setting(
        "sgd",
        "SGD with momentum, or AdamW: Adam, whose steps do not grow with a layer's gradient, and "
        "weight decay beside it",
        later=True,
    )
    lr: float = setting(0.05, "learning rate, cosine down to 0 after the warm-up")
    warmup: float = setting(
        0.0,
        "share of the epochs in which the learning rate climbs to train.lr in equal steps",
        high=1,
        later=True,
    )
    momentum: float = setting(0.9, "SGD momentum")
    weight_decay: float = setting(3e-4, "weight decay")
    clip: float = setting(5.0, "largest gradient norm", low=1e-9)
    weighted_loss: bool = setting(False, "weight the cross-entropy by inverse class frequency")
    initial_weights: Literal["in_order", "by_name"] = setting(
        "in_order",
        "derived networks: initial weights drawn layer after layer, or each layer's from a seed of "
        "its own, so that networks that differ in a part start alike elsewhere",
        later=True,
    )
    pretrained: str = setting(
        "",
        "model file whose weights the networks of the folds start from (`bench pretrain` makes one "
        "on generated clips); empty = drawn weights",
        later=True,
    )
    recipe: Literal["own", "harness"] = setting(
        "own", "fixed networks: train as published, or as derived networks are trained"
    )
    recipe_epochs: int = setting(
        0, "fixed networks: at most so many epochs of their recipe; 0 = as published"
    )
    recipe_lr: float = setting(0.0, "fixed networks: learning rate of it; 0 = as published")


@dataclass(frozen=True)
class ProtocolConfig:
    """Who is tested by which network, what is searched on, and which epoch of a fold is scored."""

    split: Literal["loso", "kfold", "lodo"] = setting(
        "loso",
        "who is tested: each subject in turn (loso), protocol.folds groups of subjects in turn "
        "(kfold), or each data set of several in turn (lodo)",
        later=True,
    )
    folds: int = setting(
        5,
        "number of folds of split=kfold, alike in size and classes",
        low=2,
        high=1000,
        later=True,
        needs=("protocol.split", ("kfold",)),
    )
    test_sets: str = setting(
        "",
        "split=lodo: test these data sets only (names with commas); empty = each",
        spelled=names_spelled,
        later=True,
        needs=LODO,
    )
    train_sets: str = setting(
        "",
        "split=lodo: train on these data sets only (names with commas); empty = all others",
        spelled=names_spelled,
        later=True,
        needs=LODO,
    )

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
        spelled=rules_spelled,
    )
    as_released: bool = setting(
        False, "score each fixed network as its released code does, where that differs (see docs)"
    )
    inner_share: float = setting(
        0.2,
        "share of a fold's training clips that inner_val holds out, by whole subjects",
        low=0.01,
        high=0.5,
    )


SELECTION_RULES: tuple[str, ...] = get_args(get_type_hints(ProtocolConfig)["selection"])
LAST, INNER_VAL, ORACLE = SELECTION_RULES


@dataclass(frozen=True)
class ComputeConfig:
    """Arithmetic, memory format and compilation of training."""

    precision: Precision = setting(
        "fp32",
        "arithmetic of training, never of predictions: float32; TF32 on a GPU; bfloat16 autocast, "
        "on a CPU for 2D convolutions alone",
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
        low=1,
        high=1024,
        later=True,
    )


@dataclass(frozen=True)
class SaveConfig:
    """What a run keeps beside its predictions."""

    weights: Literal["none", "last", "selected"] = setting(
        "none",
        "trained weights to keep of every fold, a model file each: none, those of the last epoch, "
        "or of the epoch that protocol.selection scores",
        later=True,
    )


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run leaves, except variant, data set and seed."""

    data: DataConfig = DataConfig()
    space: SpaceConfig = SpaceConfig()
    search: SearchConfig = SearchConfig()
    train: TrainConfig = TrainConfig()
    compute: ComputeConfig = ComputeConfig()
    protocol: ProtocolConfig = ProtocolConfig()
    save: SaveConfig = SaveConfig()

    def to_dict(self) -> Values:
        """Section -> name -> value of every setting, as `run.json` records them."""
        return asdict(self)

    @property
    def changed(self) -> dict[str, Any]:
        """`changed_settings` of this configuration."""
        return changed_settings(self.to_dict())

    @property
    def hash(self) -> str:
        """Eight hex digits: two runs with the same hash are configured alike."""
        return settings_hash(self.to_dict())


def changed_settings(values: Values) -> dict[str, Any]:
    """`section.name` -> value in its one spelling, of the settings that differ from their defaults.

    values: as `Config.to_dict` and `run.json` hold them. Two configurations with the same changed
    settings mean the same; a setting that is not known here counts as changed.
    """
    known = setting_fields()
    found = {f"{part}.{name}": value for part in values for name, value in values[part].items()}
    for key in found.keys() & known.keys():
        spelled = known[key].metadata.get("spelled", unchanged)
        found[key] = spelled(found[key])
        if found[key] == spelled(known[key].default):
            del found[key]
    return found


def settings_hash(values: Values) -> str:
    """The hash of settings that names their run folder: a new setting leaves it as it is.

    Another default of an old setting does not: add a setting instead.
    """
    return _digest(changed_settings(values))


def recorded_hash(values: Values) -> str:
    """The hash over all settings that named run folders before `settings_hash`.

    A setting that was added since counts only where it differs from its default.
    """
    later = {key for key, item in setting_fields().items() if item.metadata.get("later")}
    passing = later - changed_settings(values).keys()
    kept = {
        part: {name: value for name, value in entries.items() if f"{part}.{name}" not in passing}
        for part, entries in values.items()
    }
    return _digest({part: entries for part, entries in kept.items() if entries})


def _digest(values: Mapping[str, Any]) -> str:
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
    for key, item in setting_fields().items():
        about = item.metadata
        yield key, item.default, about.get("published", False), about["help"]


@cache
def setting_fields() -> Mapping[str, Field[Any]]:
    """Every setting's `section.name` -> its field, in order."""
    plain = Config()
    found = {
        f"{section.name}.{item.name}": item
        for section in fields(Config)
        for item in fields(getattr(plain, section.name))
    }
    return MappingProxyType(found)
