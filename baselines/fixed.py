"""Fixed networks as frozen values: what a hand-designed method is, wants and was trained with.

Nothing here needs torch: a value names its module, which is imported when a network is built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from math import inf, isfinite
from numbers import Real
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin, get_type_hints

from rnas.errors import MethodError

if TYPE_CHECKING:
    from torch import nn

Kind = Literal["flow", "flow_pair", "flow_colour", "dynamic_image", "apex", "landmark_patches"]

CHANNELS = {
    "flow": 3,
    "flow_pair": 2,
    "flow_colour": 3,
    "dynamic_image": 3,
    "apex": 3,
    "landmark_patches": 30,
}
"""Kind of a still -> its channels."""

FLOWS = ("flow", "flow_pair")
"""Kinds that a ready flow image can be."""

WORDS = {
    "flow": "optical flow u, v and strain",
    "flow_pair": "optical flow u, v",
    "flow_colour": "optical flow as colours, RGB",
    "dynamic_image": "dynamic image",
    "apex": "apex frame, RGB",
    "landmark_patches": "30 landmark patches",
}
"""Kind of a still -> what it is, for readers."""


CROSS_ENTROPY: Final = "cross_entropy"

RELEASED_WAYS = ("oracle", "other_sets", "fold_mean")
"""How released codes score where they do not do it as here."""


@dataclass(frozen=True)
class StillInput:
    """One image per clip, as a network wants it: float32 (C, size, size).

    kind: `flow` (u, v, strain: C = 3), `flow_pair` (u, v: C = 2), `flow_colour` (RGB in 0..255: C =
    3), `dynamic_image` (C = 3), `apex` (RGB in 0..1: C = 3) or `landmark_patches` (C = 30); size:
    height and width in pixels; scale: of `flow` and `flow_pair`, `raw` (pixels per clip) or
    `minmax` (each channel of each clip to 0..255); divisor: what
    every value is divided by at last; strain_factor: what raw strain, in change per pixel, is
    multiplied by; amplifications: of landmark patches, in training each clip is seen at one of
    these shares of `data.magnify_alpha` (without magnification: of its change), drawn anew every
    epoch; tests see it at 1, which must be one of them; neighbours: training draws each image from
    the apex and that many frames on either side (at an end of the clip its end frame).
    Raises MethodError for values that mean nothing.
    """

    kind: Kind
    size: int
    scale: Literal["raw", "minmax"] = "raw"
    divisor: float = 1.0
    strain_factor: float = 1.0
    amplifications: tuple[float, ...] = ()
    neighbours: int = 0

    def __post_init__(self) -> None:
        _check_choices(self)
        if self.size < 1 or not self.divisor > 0:
            raise MethodError(
                f"{self.kind} input of size {self.size}, divisor {self.divisor}: both must be "
                "above zero"
            )
        if self.amplifications != () and not self._may_be_amplified():
            raise MethodError(
                f"{self.kind} input with amplifications {self.amplifications!r:.60}; expected "
                "landmark_patches, and a tuple of shares above zero, 1 among them"
            )
        near = self.neighbours
        if not _is_count(near) or (near and self.kind != "apex"):
            raise MethodError(
                f"{self.kind} input with neighbours={near!r:.60}; expected kind apex, and a whole "
                "number from 0"
            )

    @property
    def channels(self) -> int:
        """C of one image."""
        return CHANNELS[self.kind]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, S, S) of one clip."""
        return (self.channels, self.size, self.size)

    @property
    def text(self) -> str:
        """For readers: `optical flow u, v and strain 28×28`."""
        words = f"{WORDS[self.kind]} {self.size}×{self.size}"
        if self.amplifications:
            words += f", in training at {len(self.amplifications)} magnifications"
        if self.neighbours:
            words += f", in training ±{self.neighbours} frames"
        return words

    @property
    def views(self) -> int:
        """How many images of a clip there are, from which training draws."""
        return len(self.amplifications) if self.amplifications else 2 * self.neighbours + 1

    @property
    def tested_view(self) -> int:
        """The place, among the views, of the image that tests see."""
        return self.amplifications.index(1) if self.amplifications else self.neighbours

    def _may_be_amplified(self) -> bool:
        shares = self.amplifications
        return (
            self.kind == "landmark_patches"
            and isinstance(shares, tuple)
            and all(isinstance(share, Real) and 0 < share < inf for share in shares)
            and 1 in shares
        )


@dataclass(frozen=True)
class Recipe:
    """How a fixed network is trained: optimiser, schedule and loss of its publication.

    optimiser: `adam` or `sgd`; lr: learning rate of the first epoch; momentum: of SGD; epochs;
    batch: images per step; shuffle: a new order every epoch, or always class by class, as code does
    that reads a folder per class; balance: each class is seen so many times as often in an epoch
    as the rarest has clips, each clip at least once (0: every clip once); lr_step and lr_gamma:
    every so many epochs the learning rate is multiplied by gamma (0: never); cosine: it also falls
    along half a cosine, to 0 after the last epoch; loss: a name of `baselines.losses.LOSSES`; clip:
    largest gradient norm (0: none). Raises MethodError for values that mean nothing.
    """

    optimiser: Literal["adam", "sgd"]
    lr: float
    epochs: int
    batch: int
    weight_decay: float = 0.0
    momentum: float = 0.0
    shuffle: bool = True
    balance: int = 0
    lr_step: int = 0
    lr_gamma: float = 1.0
    loss: Literal["cross_entropy", "margin", "linear_margin"] = CROSS_ENTROPY
    clip: float = 0.0
    cosine: bool = False

    def __post_init__(self) -> None:
        _check_choices(self)
        if not (self.lr > 0 and isfinite(self.lr)) or self.epochs < 1 or self.batch < 2:
            raise MethodError(
                f"recipe with lr={self.lr}, epochs={self.epochs}, batch={self.batch}: expected "
                "lr above 0, at least 1 epoch, batches of at least 2"
            )
        if not _is_count(self.balance) or (self.balance and not self.shuffle):
            raise MethodError(
                f"recipe with balance={self.balance!r:.60}, shuffle={self.shuffle}; expected a "
                "whole number from 0, and shuffled clips where it is above"
            )

    @property
    def text(self) -> str:
        """For readers: `Adam 5e-05, batch 256, 800 epochs`."""
        words = [f"{'Adam' if self.optimiser == 'adam' else 'SGD'} {self.lr:g}"]
        words += [f"momentum {self.momentum:g}"] if self.momentum else []
        words += [f"weight decay {self.weight_decay:g}"] if self.weight_decay else []
        words += [f"×{self.lr_gamma:g} every {self.lr_step}"] if self.lr_step else []
        words += ["cosine"] if self.cosine else []
        words += [f"clipped at {self.clip:g}"] if self.clip else []
        words += [f"batch {self.batch}" + ("" if self.shuffle else ", class by class")]
        words += [f"each class {self.balance} × the rarest"] if self.balance else []
        words += [f"{self.epochs} epochs"]
        words += [] if self.loss == CROSS_ENTROPY else [f"{self.loss.replace('_', ' ')} loss"]
        return ", ".join(words)


@dataclass(frozen=True)
class FixedNetwork:
    """A hand-designed method, or a user's own module: an entry point of group `bench.variants`.

    network: `module:Class`, built as `Class(classes, **options)`, a module that maps (B, C, S, S)
    stills, or clips (B, C, T, H, W), to logits (B, classes), while it is trained by cross-entropy
    also to those of several heads (B, classes, H); input: the still it wants, or `clip`;
    recipe: its own training, or None: trained as derived networks are (settings `train.*`);
    params: its parameters at 3 classes, where a check value is known; channels_last: whether its
    activations may lie in that memory format, in which `.view` fails. For readers of tables: groups
    (first: the one listings show), marks, reference, pretraining of the published scores,
    released_selection (which epoch the released code scores), deviations of ours.

    released_ways: where the released code scores in another way than LOSO, last epoch, pooled:
    `oracle` (the best epoch on the test subject), `other_sets` (trained on the other data sets
    alone, the epoch chosen on the other subjects of the test subject's own), `fold_mean` (means of
    the folds' scores). Raises MethodError for another word.
    """

    name: str
    summary: str
    network: str
    input: StillInput | Literal["clip"]
    recipe: Recipe | None
    options: tuple[tuple[str, Any], ...] = ()
    groups: tuple[str, ...] = ("own",)
    marks: tuple[str, ...] = ()
    params: int | None = None
    channels_last: bool = False
    reference: str = ""
    pretraining: str = "none"
    released_selection: str = ""
    released_ways: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.input == "clip" or isinstance(self.input, StillInput)):
            raise MethodError(
                f"{self.name}: input {self.input!r:.60}; expected 'clip' or a StillInput"
            )
        unknown = set(self.released_ways) - set(RELEASED_WAYS)
        if unknown:
            raise MethodError(
                f"{self.name}: released_ways {', '.join(sorted(unknown))}; expected some of "
                f"{', '.join(RELEASED_WAYS)}"
            )

    def build(self, classes: int) -> nn.Module:
        """The untrained network; its weights come from torch's global generator.

        Raises MethodError where `network` names nothing that can be called.
        """
        return self._constructor()(classes, **dict(self.options))

    @property
    def input_text(self) -> str:
        """What it sees, for readers."""
        return "clip" if self.input == "clip" else self.input.text

    @property
    def facts(self) -> dict[str, str]:
        """What listings say of it beside its name; what is not known is left out."""
        facts = {
            "parameters": f"{self.params:,}" if self.params else "",
            "input": self.input_text,
            "recipe": self.recipe.text if self.recipe else "as derived networks (train.*)",
            "pretraining": self.pretraining,
            "released code scores": self.released_selection,
            "deviations": _numbered(self.deviations),
            "marks": ", ".join(self.marks),
            "reference": self.reference,
        }
        return {what: text for what, text in facts.items() if text}

    def _constructor(self) -> Callable[..., nn.Module]:
        try:
            found = resolve_name(self.network)
        except (ImportError, AttributeError, ValueError) as error:
            raise MethodError(
                f"{self.name}: {self.network!r} cannot be loaded ({error}); expected "
                "'module:Class' of an installed module"
            ) from error
        if not callable(found):
            raise MethodError(f"{self.name}: {self.network!r} is no class or function")
        return found


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _numbered(texts: Sequence[str]) -> str:
    """`(1) one (2) two`; one alone as it is."""
    if len(texts) < 2:
        return "".join(texts)
    return " ".join(f"({number}) {text}" for number, text in enumerate(texts, start=1))


def _check_choices(value: StillInput | Recipe) -> None:
    """Raises MethodError where a field that has a few words to choose from holds another."""
    hints = get_type_hints(type(value))
    for field in fields(value):
        choices = get_args(hints[field.name])
        chosen = getattr(value, field.name)
        if get_origin(hints[field.name]) is Literal and chosen not in choices:
            raise MethodError(
                f"{type(value).__name__}: {field.name}={chosen!r}; expected one of "
                f"{', '.join(choices)}"
            )
