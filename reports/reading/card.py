"""The model card: what an exported network is, what its score is of, what it is not for."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

from bench.config.settings import ClipConfig
from bench.models.exporting import INPUT, OPSET, OUTPUT
from bench.models.file import WHOLE
from bench.models.model import score_lines
from bench.training.augment import RGB_MEAN, RGB_STD
from reports.reading.marks import mark_meanings

if TYPE_CHECKING:
    from bench.models.file import ModelRecord
    from bench.models.model import Model

LIMITS = (
    "For research on micro-expressions. It is no lie detector, and says nothing of what a person "
    "feels, thinks or intends.",
    "Not for decisions about people: hiring, border control, policing, education, health.",
    "It classifies a clip that is known to hold a micro-expression, from onset to offset. It does "
    "not find them: of any other clip it still names a class.",
    "Probabilities are the network's own confidence. They are not calibrated.",
    "Data sets of this field are recorded in laboratories, of few and young people, most of one "
    "ethnic group, with posed lighting: expect it to be worse elsewhere.",
)


def card(model: Model, form: str) -> str:
    """The card of a model exported in a format, as Markdown."""
    record = model.record
    lines = [
        f"# {record.run.variant}",
        "",
        f"{record.title}. Format: {_format(form)}.",
        "",
        "## Input and output",
        "",
        f"- `{INPUT}`: float32 (batch, {', '.join(map(str, model.shape))}), {_input(model)}",
        f"- `{OUTPUT}`: float32 (batch, {len(model.classes)}), of the classes "
        f"{', '.join(model.classes)}; their softmax are probabilities",
        "- The preprocessing is not in the file: `bench predict` and `bench.load_model` do it as "
        "the run did, with these settings:",
        "",
        "```json",
        json.dumps({name: record.run.config["data"][name] for name in _seen(record)}, indent=1),
        "```",
        "",
        "## Data and protocol",
        "",
        *(f"- {line}" for line in _data(record)),
        "",
        "## Score",
        "",
        *(f"- {line}" for line in _score(record)),
        "",
        "## Intended use and limits",
        "",
        *(f"- {line}" for line in (*_generated(record), *LIMITS)),
    ]
    return "\n".join(lines) + "\n"


def _seen(record: ModelRecord) -> list[str]:
    """The settings that decide what the network sees of a new clip."""
    names = [
        *(field.name for field in fields(ClipConfig)),
        *("representation", "gain", "flow_side"),
    ]
    return [name for name in names if name in record.run.config["data"]]


def _format(form: str) -> str:
    names = {"pt2": "torch.export", "torchscript": "TorchScript", "onnx": f"ONNX, opset {OPSET}"}
    return f"{names[form]}, any batch size"


def _input(model: Model) -> str:
    if model.still:
        return model.still.text
    return {
        "rgb": f"frames in 0..1, minus {RGB_MEAN:g}, divided by {RGB_STD:g}",
        "onset_difference": "frames in 0..1, each minus the first, times "
        f"{model.data.gain:g} (data.gain)",
        "flow": "optical flow u, v and strain from the onset to each frame, within -1 to 1",
    }[model.data.representation]


def _data(record: ModelRecord) -> list[str]:
    run, data = record.run, record.run.data
    kind = "generated clips (surrogate)" if run.surrogate else "clips"
    counts = ", ".join(f"{name} {count}" for name, count in data.counts.items())
    part = "all of them" if record.fold == WHOLE else f"all but those of {record.fold}"
    return [
        f"{data.clips} {kind} of {run.dataset} ({counts}), class map {data.class_map}, "
        f"fingerprint {(data.fingerprint or 'not recorded')[:16]}",
        f"these weights were trained on {part} ({len(record.trained_on)} subjects), those of epoch "
        f"{record.epoch} ({record.rule}), seed {run.seed}",
        f"code {run.provenance.git_commit or 'of an installed package'}, "
        f"torch {run.provenance.packages.get('torch')}",
    ]


def _score(record: ModelRecord) -> list[str]:
    scores = ", ".join(score_lines(record))
    if not scores or record.score is None:
        return ["None: its run was not scored when the file was made."]
    about = f"{record.score['clips']} clips of {record.score['subjects']} subjects"
    claimed = "None is claimed of these very weights. " if record.fold == WHOLE else ""
    way = "tested on new people" if record.run.fresh else "each subject left out in turn"
    return [
        f"{claimed}The method in its run, {way}, pooled: {scores} ({about}; 95 % intervals over "
        "subjects)",
        f"Marks of that score: {'; '.join(record.marks) or 'none'}",
        *mark_meanings(record.marks),
    ]


def _generated(record: ModelRecord) -> list[str]:
    if not record.run.surrogate:
        return []
    return ["Trained on generated clips: it shows that software works, and knows no real face."]
