"""Weights that runs keep, `bench fit`, `bench predict`, and `bench export` of a model file."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from photograph import write_video
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_runs import only_run

from bench import predict
from bench.data.disk.images import decode, read_frames
from bench.data.sources import Source, load
from bench.errors import UsageError
from bench.models.file import FORMAT, SUM_KEY, VERSION_KEY, WHOLE, content_sum, read_model
from bench.models.inputs import named_clips
from bench.models.model import load_model
from bench.runs.folder import RunFolder
from bench.runs.record import read_run_file
from bench.training.compute import threads

OWN = """
from torch import nn

from baselines.fixed import FixedNetwork

class Net(nn.Sequential):
    def __init__(self, classes, width=4):
        pool = nn.AdaptiveAvgPool3d(1)
        norm = nn.BatchNorm3d(width)
        layers = (nn.Conv3d(3, width, 3, padding=1), norm, nn.ReLU(), pool, nn.Flatten())
        super().__init__(*layers, nn.Linear(width, classes))

NET = FixedNetwork("mine", "my own", "own_network:Net", "clip", None, options=(("width", 4),))
"""

ENTRY = {"bench.variants": {"mine": "own_network:NET"}}


def fitted(bench, runs: Path, out: Path) -> Path:
    outcome = bench("fit", only_run(runs).path, "--out", out)
    assert outcome.code == 0, outcome.err
    assert "No score is claimed of it" in outcome.out
    return out


@pytest.fixture(scope="module")
def model(bench, kept_runs, tmp_path_factory) -> Path:
    """The model file of a network trained on all clips."""
    return fitted(bench, kept_runs, tmp_path_factory.mktemp("fit") / "all.safetensors")


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Grey frames of something that moves."""
    rows, columns = np.mgrid[:32, :32]
    waves = [np.sin((rows + 0.4 * t) / 4) * np.cos(columns / 5) for t in range(12)]
    return (127 + 90 * np.stack(waves)).astype(np.uint8)


@pytest.fixture
def own_model(bench, runs, install_package, tmp_path) -> Path:
    """The model file of a network that a package of the user's brings."""
    install_package(OWN, ENTRY, "own_network")
    assert bench.small(runs, "mine").code == 0
    return fitted(bench, runs, tmp_path / "own.safetensors")


def predicted(bench, *arguments) -> dict:
    outcome = bench("predict", *arguments, "--format", "json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def chances(found: dict) -> list[dict]:
    return [clip["probabilities"] for clip in found["clips"]]


def test_kept_weights_give_the_logits_of_their_fold_bit_for_bit(kept_runs, clip_cache):
    """Also after the epoch was chosen: not the last one in every fold."""
    run = only_run(kept_runs)
    settings = read_run_file(RunFolder(run.path)).settings
    clip_set, videos = load(Source("smic", None, True, clip_cache), settings.data)
    rule = settings.protocol.selection
    for fold, content in run.folds.items():
        with threads(1):
            kept = load_model(RunFolder(run.path).model(fold))
            own = [place for place, clip in enumerate(clip_set.clips) if clip.subject == fold]
            logits = kept.logits(kept.of_arrays([clip_set.clips[k] for k in own], videos[own]))
        assert logits.tolist() == [clip["logits"] for clip in content["clips"]]
        assert kept.record.epoch == content["epochs"][rule]
        assert set(kept.record.trained_on) == set(content["trained_on"])


def test_a_model_file_stands_alone(bench, model, kept_runs):
    """Classes, settings, score with interval and marks, but no path of the machine."""
    record, _ = read_model(model)
    metrics = only_run(kept_runs).json("metrics.json")
    assert record.fold == WHOLE and record.classes == tuple(metrics["classes"])
    assert record.score["uar"]["estimate"] == pytest.approx(metrics["uar"])
    assert {"low", "high"} <= record.score["uar"].keys()
    assert {"surrogate", "smoke: nothing converged", "random control"} & {*record.marks}
    assert record.run.data.root is None and record.run.provenance.argv is None
    fold, _ = read_model(RunFolder(only_run(kept_runs).path).model("s05"))
    assert (fold.score, fold.marks) == (record.score, record.marks)
    assert bench("validate", only_run(kept_runs).path).code == 0


def test_the_same_frames_have_one_answer_in_every_form(bench, model, frames, tmp_path):
    np.save(tmp_path / "array.npy", frames)
    (tmp_path / "folder").mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / "folder" / f"img{number + 5}.png")
    (tmp_path / "list.csv").write_text(
        "dataset,subject,clip,label,frames\nsamm,a,one,whatever,folder\nsamm,a,two,,array.npy\n"
    )
    named = predicted(bench, model, tmp_path / "array.npy", tmp_path / "folder")
    listed = predicted(bench, model, tmp_path / "list.csv")
    assert [clip["clip"] for clip in listed["clips"]] == ["one", "two"]
    first, *others = chances(named) + chances(listed)
    assert sum(first.values()) == pytest.approx(1) and others == [first] * 3
    assert named["models"][0]["marks"] and any("lie detector" in s for s in named["remarks"])


def test_onset_and_offset_cut_the_clip(bench, model, frames, tmp_path):
    np.save(tmp_path / "long.npy", frames)
    np.save(tmp_path / "cut.npy", frames[3:9])
    part = predicted(bench, model, tmp_path / "long.npy", "--onset", 3, "--offset", 8)
    assert chances(part) == chances(predicted(bench, model, tmp_path / "cut.npy"))
    assert chances(part) != chances(predicted(bench, model, tmp_path / "long.npy"))


def test_a_video_file_is_read_and_drawn(bench, model, frames, tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "v.avi"), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width = stream.height = 32
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="gray")
            container.mux(stream.encode(picture.reformat(format=stream.pix_fmt)))
        container.mux(stream.encode())
    sheet, picture = tmp_path / "over.csv", tmp_path / "over.png"
    slid = ("--sliding", "--format", "csv", "--out", sheet, "--picture", picture)
    outcome = bench("predict", model, tmp_path / "v.avi", *slid)
    assert "Not spotting" in outcome.err
    rows = list(csv.DictReader(io.StringIO(sheet.read_text())))
    # Half a second of 24 frames a second, moved by a quarter of it: 12 frames hold one window.
    assert [(row["first_frame"], row["last_frame"]) for row in rows] == [("0", "11")]
    assert float(rows[0]["end_s"]) == 0.5
    (tmp_path / "clip.png").write_text("an earlier picture, which may be written over")
    whole = predicted(bench, model, tmp_path / "v.avi", "--picture", tmp_path / "clip.png")
    assert float(rows[0]["surprise"]) == pytest.approx(chances(whole)[0]["surprise"], abs=1e-4)
    assert all(Image.open(tmp_path / name).width > 500 for name in ("over.png", "clip.png"))


def test_windows_answer_as_the_same_frames_do_alone(bench, model, frames, tmp_path):
    np.save(tmp_path / "long.npy", frames)
    slid = ("--sliding", "--window", 6, "--stride", 3)
    found = predicted(bench, model, tmp_path / "long.npy", *slid)["windows"]
    assert [window["first_frame"] for window in found] == [0, 3, 6]
    for window in found:
        place = ("--onset", window["first_frame"], "--offset", window["last_frame"])
        (alone,) = chances(predicted(bench, model, tmp_path / "long.npy", *place))
        assert window["probabilities"] == pytest.approx(alone)


def test_windows_without_a_face_are_left_out_and_told(bench, model, tmp_path):
    pytest.importorskip("av")
    slid = ("--sliding", "--window", 15, "--stride", 12, "--crop", "detect")
    found = predicted(bench, model, write_video(tmp_path / "smile.mp4"), *slid)
    assert 0 < len(found["windows"]) < 3  # of the frames from 0, 12 and 24 on
    assert any("left out" in remark for remark in found["remarks"])


@pytest.mark.parametrize("stored", ["as it is", "an array", "cut", "slid over"])
def test_clips_of_training_are_told(bench, model, kept_runs, frames, clip_cache, tmp_path, stored):
    data = read_run_file(RunFolder(only_run(kept_runs).path)).settings.data
    clip = load(Source("smic", None, True, clip_cache), data)[0].clips[0]
    np.save(tmp_path / "new.npy", frames)
    video = decode(clip, read_frames(clip)).squeeze()
    np.save(tmp_path / "old.npy", video[1:] if stored == "cut" else video)
    old = clip.frames[0].parent if stored == "as it is" else tmp_path / "old.npy"
    if stored == "slid over":
        found = predicted(bench, model, old, "--sliding", "--window", 8, "--stride", 4)
        assert all("trained on this" in window["warnings"][0] for window in found["windows"])
        return
    outcome = bench("predict", model, tmp_path / "new.npy", old, "--format", "json")
    found = json.loads(outcome.out)
    new, known = (clip["warnings"] for clip in found["clips"])
    assert not new and "the network was trained on this clip" in known[0]
    assert "trained: new " in outcome.err
    assert any("like it: 1 of 2 clips" in remark for remark in found["remarks"])
    assert "like it: 1 of 2 clips" in bench("predict", model, tmp_path / "new.npy", old).err
    if stored == "as it is":  # a network that was trained without its person
        fold = RunFolder(only_run(kept_runs).path).model(clip.subject)
        assert not any("of 1 clips" in remark for remark in predicted(bench, fold, old)["remarks"])


def test_several_models_give_mean_and_spread(bench, model, kept_runs, frames, tmp_path):
    np.save(tmp_path / "c.npy", frames)
    files = [model, RunFolder(only_run(kept_runs).path).model("s05")]
    (clip,) = predicted(bench, *files, tmp_path / "c.npy")["clips"]
    each = np.array(
        [list(chances(predicted(bench, f, tmp_path / "c.npy"))[0].values()) for f in files]
    )
    assert list(clip["probabilities"].values()) == pytest.approx(each.mean(0))
    assert list(clip["spread"].values()) == pytest.approx(each.std(0, ddof=1))
    models = [load_model(file) for file in files]
    assert predict(models, tmp_path / "c.npy").mean[0] == pytest.approx(each.mean(0))
    assert predict(models[0], tmp_path / "c.npy").mean[0] == pytest.approx(each[0])
    with pytest.raises(UsageError, match="hold the same weights"):
        predict([*models, models[1]], tmp_path / "c.npy")


UNSEALED = "have no checksum"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-40]), "no whole model file"),
        (lambda file: file.write_bytes(b"\x09" * 300), "no whole model file"),
        (lambda file: save_file(load_file(file), file), "no model file of this harness"),
        (lambda file: save_file(load_file(file), file, {VERSION_KEY: str(FORMAT + 1)}), "update"),
        (lambda file: save_file(load_file(file), file, {VERSION_KEY: "1"}), "'run' is missing"),
        (lambda file: save_file({}, file, resealed(metadata_of(file), {})), "weights do not fit"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1] + b"\x7f"), "own checksum"),
        (lambda file: save_file(load_file(file), file, edited(file)), "own checksum"),
        (lambda file: save_file(load_file(file), file, without_sum(metadata_of(file))), UNSEALED),
        (lambda file: save_file(load_file(file), file, without_sum(edited(file))), UNSEALED),
        (lambda file: file.unlink(), "bench fit"),
    ],
)
def test_a_file_that_is_no_model_is_refused_in_one_line(bench, model, tmp_path, spoil, said):
    file = tmp_path / "spoilt.safetensors"
    file.write_bytes(model.read_bytes())
    spoil(file)
    outcome = bench("predict", file, tmp_path)
    assert outcome.code and said in outcome.error


def test_validate_reads_model_files(bench, model, kept_runs, tmp_path):
    runs = shutil.copytree(kept_runs, tmp_path / "runs")
    one, other = sorted(runs.rglob("*.safetensors"))[:2]
    outcome = bench("validate", model, one)
    assert (outcome.code, outcome.out) == (0, "2 of 2 files sealed and unchanged\n")
    one.write_bytes(other.read_bytes())
    spoilt = tmp_path / "spoilt.safetensors"
    spoilt.write_bytes(model.read_bytes()[:-1] + b"\x7f")
    outcome = bench("validate", one, spoilt)
    assert outcome.code == 1 and "0 of 2 files sealed and unchanged" in outcome.out
    assert f"{one} was changed after the run made it" in outcome.out
    assert "differ from the file's own checksum" in outcome.out


def metadata_of(file: Path) -> dict[str, str]:
    content = file.read_bytes()
    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]


def without_sum(metadata: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in metadata.items() if name != SUM_KEY}


def resealed(metadata: dict[str, str], weights: dict[str, torch.Tensor]) -> dict[str, str]:
    return metadata | {SUM_KEY: content_sum(metadata, weights)}


def edited(file: Path) -> dict[str, str]:
    return metadata_of(file) | {"marks": "[]", "epoch": "99"}


def test_a_network_of_the_users_own_needs_its_package(bench, own_model, frames, tmp_path):
    """A model file names a variant, never code: a package that is gone or other is said."""
    np.save(tmp_path / "c.npy", frames)
    assert chances(predicted(bench, own_model, tmp_path / "c.npy"))
    metadata, weights = metadata_of(own_model), load_file(own_model)
    for old, new, said in (
        ('"mine"', '"gone"', "not installed here"),
        ("own_network:Net", "os.path:abspath", "another network here"),
    ):
        changed = {name: text.replace(old, new) for name, text in metadata.items()}
        save_file(weights, own_model, resealed(changed, weights))
        assert said in bench("predict", own_model, tmp_path / "c.npy").error


@pytest.mark.parametrize("form", ["pt2", "onnx", "torchscript"])
def test_an_exported_network_answers_as_ours(bench, own_model, form, tmp_path):
    if form == "onnx":
        pytest.importorskip("onnxscript")
        runtime = pytest.importorskip("onnxruntime")
    out = tmp_path / f"net.{form}"
    outcome = bench("export", own_model, "--format", form, "--out", out)
    assert outcome.code == 0, outcome.err
    model = load_model(own_model)
    for clips in (1, 4):
        inputs = torch.rand(clips, *model.shape, generator=torch.Generator().manual_seed(clips))
        with torch.no_grad():
            ours = model.network(inputs)
            if form == "onnx":
                session = runtime.InferenceSession(str(out))
                assert json.loads(session.get_modelmeta().custom_metadata_map["classes"])
                theirs = torch.from_numpy(session.run(["logits"], {"clips": inputs.numpy()})[0])
            elif form == "pt2":
                theirs = torch.export.load(out).module()(inputs)
            else:
                theirs = torch.jit.load(out)(inputs)
        assert torch.allclose(ours, theirs, atol=1e-4)
    card = (tmp_path / f"net.{form}.md").read_text()
    assert re.search(r"Marks of that score: surrogate; .*\n- surrogate: generated clips", card)
    assert "no lie detector" in card and '"representation": "onset_difference"' in card


def test_the_root_of_the_disk_is_no_clip():
    with pytest.raises(UsageError, match="root of the disk"):
        named_clips(["/"])


def test_what_has_no_network_is_refused(bench, runs, random_runs, model, frames, tmp_path):
    bench.small(runs, "majority")
    assert "no weights to keep" in bench("fit", only_run(runs).path).error
    assert "is no run folder" in bench("fit", tmp_path).error
    run = only_run(random_runs).path
    assert "needs a model file" in bench("export", run, "--format", "onnx").error
    assert "is for run folders" in bench("export", model, "--format", "csv").error
    assert "no clip named" in bench("predict", model).error
    assert "no model file" in bench("predict", tmp_path).error
    np.save(tmp_path / "c.npy", frames)
    for option in ("--magnifier-weights", "--landmarks"):
        unused = bench("predict", model, tmp_path / "c.npy", option, model)
        assert unused.code == 2 and f"{option} {model}: " in unused.error
        assert "leave it out" in unused.error


def still_life(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes((folder / "img5.png").read_bytes())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: (folder / "img7.png").unlink(), "1 of the 12 frames 5..16 missing"),
        (lambda folder: (folder / "cover.png").touch(), "no number in its name"),
        (
            lambda folder: [(folder / f"img{n}.png").unlink() for n in range(6, 17)],
            "one frame only",
        ),
        (still_life, "nothing moves in what networks see"),
    ],
)
def test_what_is_odd_about_a_clip_is_told_in_every_form(bench, model, frames, tmp_path, make, said):
    """As a run tells it: on the console, in JSON and in CSV."""
    (folder := tmp_path / "folder").mkdir()
    for number, frame in enumerate(frames, start=5):
        Image.fromarray(frame).save(folder / f"img{number}.png")
    make(folder)
    outcome = bench("predict", model, folder, "--format", "json")
    (clip,) = json.loads(outcome.out)["clips"]
    assert said in outcome.err and any(said in line for line in clip["warnings"])
    outcome = bench("predict", model, folder, "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(outcome.out))
    assert said in outcome.err and said in row["warnings"]
    assert said in predict(load_model(model), folder).frame["warnings"][0]


@pytest.mark.parametrize("stored", ["twice", "as another array"])
def test_a_clip_that_is_named_twice_is_told(bench, model, frames, tmp_path, stored):
    one, other = tmp_path / "a.npy", tmp_path / "b.npy"
    np.save(one, frames)
    np.save(other, frames if stored == "twice" else frames[..., None].repeat(3, -1))
    answers = predicted(bench, model, one, other)["clips"]
    assert [len(each["warnings"]) for each in answers] == [0, 1]
    assert answers[1]["warnings"][0].startswith("twin: its frames are ")


def test_an_apex_outside_the_clip_is_told(bench, model, frames, tmp_path):
    """Of each row of a manifest its own warnings alone."""
    np.save(tmp_path / "array.npy", frames)
    (tmp_path / "list.csv").write_text(
        "dataset,subject,clip,label,frames,onset,apex,offset\n"
        "lab,a,one,x,array.npy,0,4,8\nlab,a,two,x,array.npy,0,11,8\n"
    )
    first, second = predicted(bench, model, tmp_path / "list.csv")["clips"]
    assert first["warnings"] == []
    assert any("apex 11 lies outside" in line for line in second["warnings"])
