"""A metric of another package: in every list of scores, or left out with one warning."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from compared_runs import write_run, wrong_every

from bench.protocol.metrics import BUILT_IN, matrix_scores, metrics, tell_missing
from bench.runs.folder import RunFolder
from bench.runs.predictions import run_predictions
from bench.system import packages
from bench.system.entry_points import PluginError

DOCS = Path(__file__).parents[3] / "docs" / "extending.md"
EXAMPLE = DOCS.read_text().partition("## A metric\n")[2]
KAPPA = EXAMPLE.partition("```python\n")[2].partition("```")[0]
"""The example of the documentation, as it stands there."""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package with metrics, as pip leaves it, for the length of a test."""

    def put(source: str, name: str = "kappa", value: str = "their_metrics:KAPPA") -> None:
        (tmp_path / "their_metrics.py").write_text(source)
        info = tmp_path / "their_metrics-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-metrics\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[bench.metrics]\n{name} = {value}\n")
        sys.modules.pop("their_metrics", None)
        packages.forget()

    monkeypatch.syspath_prepend(str(tmp_path))
    yield put
    monkeypatch.undo()
    sys.modules.pop("their_metrics", None)
    packages.forget()


PROGRAM = """
import contextlib, json, sys
sys.path.insert(0, ".")
from bench.cli import main
for words in json.loads(sys.argv[1]):
    with contextlib.suppress(SystemExit):
        main(words)
    print(end="\\0")
"""


@pytest.fixture
def printed(install, tmp_path):
    """What two commands print of two runs in a process of their own, with kappa installed."""
    install(KAPPA)
    for variant, step in (("rnas_mer", 3), ("rnas_mer_3", 4)):
        write_run(tmp_path / "runs", variant, wrong_every(step))

    def call(first: str, second: str) -> list[str]:
        words = json.dumps([first.split(), second.split()])
        command = [sys.executable, "-c", PROGRAM, words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
        return done.stdout.split("\0")[:2]

    return call


def kappa_of(folder) -> float:
    from sklearn.metrics import cohen_kappa_score

    answers = run_predictions(RunFolder(folder)).answers
    return cohen_kappa_score([a.true for a in answers], [a.pred for a in answers])


def test_a_run_is_scored_by_it(install, tmp_path):
    install(KAPPA)
    folder = write_run(tmp_path / "runs", answering=wrong_every(3))
    found = json.loads((folder / "metrics.json").read_text())
    assert found["kappa"] == pytest.approx(kappa_of(folder))
    assert found["aggregations"]["fold_mean"]["kappa"] is not None
    assert list(found)[:4] == ["uar", "uf1", "acc", "kappa"]


def test_every_command_that_lists_scores_lists_it(printed, tmp_path):
    folder = next((tmp_path / "runs").glob("*/rnas_mer/*/seed0"))
    expected = kappa_of(folder)
    scored, compared = printed(
        f"score {folder} --draws 100 --claimed-kappa {expected:.3f}",
        "compare --variant all --metric kappa --draws 100",
    )
    assert "Kappa" in scored and f"{expected:.4f} [" in scored
    assert "ΔKappa" in compared and "p (Kappa)" in compared and f"{expected:.4f}" in compared


@pytest.mark.parametrize(
    ("source", "name", "why"),
    [
        ("import nowhere", "kappa", "nowhere"),
        ("raise SystemExit(3)", "kappa", ""),
        ("KAPPA = 3", "kappa", "expected a bench.protocol.metrics.Metric"),
        (KAPPA, "other", "of that name"),
        (KAPPA.replace('"kappa"', '"uar"'), "uar", ""),
        (KAPPA.replace('"kappa"', '"clips"'), "clips", ""),
        (KAPPA.replace('"kappa"', '"Kappa"'), "Kappa", "lower case"),
        (KAPPA.replace('"Kappa"', '"UF1"'), "kappa", "another column has its heading, 'UF1'"),
        (KAPPA.replace('"Kappa"', '"U\u0410R"'), "kappa", "another column has its heading"),
        (KAPPA.replace('"Kappa"', '"\uff35F1"'), "kappa", "another column has its heading"),
        (KAPPA.replace('"Kappa"', '" clips"'), "kappa", "another column has its heading"),
        (KAPPA.replace('"Kappa"', '"a\\nb"'), "kappa", "cannot stand over a column"),
        (KAPPA.replace('"Kappa"', '" "'), "kappa", "no heading"),
        (KAPPA.replace("return (total", "return 1 / 0 * (total"), "kappa", ""),
        (KAPPA.replace("return (total * right", "return (matrices"), "kappa", ""),
    ],
)
def test_one_that_cannot_be_used_stops_nothing_but_itself(install, capsys, source, name, why):
    install(source, name)
    assert dict(metrics()) == BUILT_IN
    (line,) = capsys.readouterr().err.splitlines()
    assert all(word in line for word in ("bench.metrics", "their-metrics", name, why))


def test_two_of_one_heading_are_both_left_out(install_package, capsys):
    for name in ("one", "two"):
        source = KAPPA.replace('"kappa", "Kappa"', f'"{name}", "Agreement"')
        install_package(source, {"bench.metrics": {name: f"{name}_metric:KAPPA"}}, f"{name}_metric")
    assert dict(metrics()) == BUILT_IN
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[2] for line in said] == ["one", "two"] and "'Agreement'" in said[0]


def test_a_metric_without_a_value_is_none():
    import numpy as np

    found = matrix_scores(np.zeros((3, 3), int), "abc")
    assert [found[name] for name in metrics()] == [None] * len(metrics())


def test_the_tables_of_scores_have_columns_for_it(printed, tmp_path):
    folder = next((tmp_path / "runs").glob("*/rnas_mer/*/seed0"))
    record, text = printed("tables --table 2 --format json", "tables --table 2")
    rows = json.loads(record)["rows"]
    (measured,) = [row["measured"] for row in rows if row["variant"] == "rnas_mer"]
    assert measured["smic_kappa"] == pytest.approx(kappa_of(folder))
    assert "SMIC Kappa |" in text


def test_it_cannot_change_the_counts_of_the_others(install):
    spoiling = "def of(matrices):\n    matrices += 7\n    return matrices[..., 0, 0] * 1.0\n"
    install(
        f"from bench.protocol.metrics import Metric\n{spoiling}KAPPA = Metric('kappa', 'K', of)\n"
    )
    found = matrix_scores(np.eye(3, dtype=int), ("a", "b", "c"))
    assert found["kappa"] == 8
    assert found["confusion"] == np.eye(3, dtype=int).tolist()


@pytest.mark.parametrize("made", ["['good'] * len(matrices)", "[1j] * len(matrices)"])
def test_scores_that_are_no_numbers_leave_it_out(install, capsys, made):
    source = f"Metric('kappa', 'K', lambda matrices: {made})"
    install(f"from bench.protocol.metrics import Metric\nKAPPA = {source}\n")
    assert "kappa" not in metrics()
    assert "no real numbers" in capsys.readouterr().err


MCC = """
import numpy as np
from bench.protocol.metrics import Metric

def mcc(matrices):
    m = matrices.astype(np.{kind})
    true, made = m.sum(-1, dtype=m.dtype), m.sum(-2, dtype=m.dtype)
    n, right = m.sum((-2, -1), dtype=m.dtype), m.diagonal(0, -2, -1).sum(-1, dtype=m.dtype)
    own, other = ((each * each).sum(-1, dtype=m.dtype) for each in (true, made))
    with np.errstate(all="ignore"):
        below = np.sqrt((n * n - own) * (n * n - other), dtype=float)
        return (right * n - (true * made).sum(-1, dtype=m.dtype)) / below

KAPPA = Metric("kappa", "MCC", mcc)
"""


@pytest.mark.parametrize("kind", ["int32", "uint32", "float16"])
def test_one_that_overflows_where_clips_are_many_is_left_out(install, capsys, kind):
    install(MCC.format(kind=kind))
    assert dict(metrics()) == BUILT_IN
    assert "kappa of bench.metrics" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["int64", "float64", "float32"])
def test_one_that_does_not_is_there(install, capsys, kind):
    install(MCC.format(kind=kind))
    assert "kappa" in metrics()
    assert not capsys.readouterr().err


@pytest.mark.parametrize("value", ["7.5", "np.nan"])
def test_a_score_above_that_of_right_answers_and_none_are_told(install, capsys, value):
    """Of the very matrix that is scored, which was not among those it was tried with."""
    own = f"np.where((m[..., 0, 1] == 37) & (m[..., 0, 0] == 2), {value}, ACC.function(m))"
    install(
        "import numpy as np\nfrom bench.protocol.metrics import ACC, Metric\n"
        f"KAPPA = Metric('kappa', 'K', lambda m: {own})\n"
    )
    scored = {**matrix_scores(np.array([[2, 37], [1, 4]]), ("a", "b")), "clips": 44}
    assert scored["kappa"] is None
    tell_missing(scored)
    *warned, note = capsys.readouterr().err.splitlines()
    assert "has no score (none) of the 44 clips" in note and "their-metrics" in note
    assert [line.partition("gives ")[2] for line in warned] == (
        ["7.5 for 44 clips, and 1 where all answers are right: left out (none)"]
        if value == "7.5"
        else []
    )


def test_one_that_fails_at_work_is_named(install):
    of = "lambda matrices: matrices[..., 0, 0] + 0 // int(matrices.sum() < 10**7)"
    install(f"from bench.protocol.metrics import Metric\nKAPPA = Metric('kappa', 'K', {of})\n")
    with pytest.raises(PluginError, match=r"metric kappa of .*their-metrics.* failed"):
        metrics()["kappa"].function(np.full((5, 3, 3), 10**7))


RECALL = "class_recall"
PRECISION = "lambda m: class_recall(m.swapaxes(-1, -2))"


def scored(of: str, parts: str = "None") -> str:
    """A package whose metric is `of`, with `parts` as its per_class."""
    start = "import numpy as np\nfrom bench.protocol.metrics import *\n"
    return f"{start}KAPPA = Metric('kappa', 'K', {of}, per_class={parts})\n"


@pytest.mark.parametrize(
    ("of", "parts", "why"),
    [
        ("lambda m: 1 - acc(m)", "None", "higher has to be better"),
        ("lambda m: m[..., 0, 1] / (m.sum((-2, -1)) + 1)", "None", "higher has to be better"),
        ("lambda m: class_recall(m)[..., :3].mean(-1)", "None", "the order of 5 classes"),
        ("lambda m: np.trace(m[..., -3:, -3:], axis1=-2, axis2=-1)", "None", "order of 5 classes"),
        ("uar", "lambda m: m[..., 0] * 0 + 7.0", "the mean of its per_class is not its score"),
        ("uar", PRECISION, "the mean of its per_class is not its score"),
        ("acc", RECALL, "the mean of its per_class is not its score"),
        ("uar", "uar", "expected real numbers (8, 3)"),
        ("uar", "lambda m: class_recall(m) + m.max() * 0 + (m.ndim > 2)", "alone than among"),
    ],
)
def test_scores_that_are_no_measure_of_right_answers_leave_it_out(install, capsys, of, parts, why):
    install(scored(of, parts))
    assert "kappa" not in metrics()
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("of", "parts"),
    [
        ("lambda m: acc(m) - 1", "None"),
        ("uar", RECALL),
        ("uf1", "class_f1"),
        ("lambda m: class_recall(m).mean(-1)", RECALL),
        (f"lambda m: ({PRECISION})(m).mean(-1)", PRECISION),
        ("lambda m: np.prod(class_recall(m), -1) ** (1 / m.shape[-1])", "None"),
        ("lambda m: class_f1(m)[..., 1]", "None"),
        ("lambda m: (m @ np.array([1, 2, 3]))[..., 2] * 0 + acc(m)", "None"),
        (
            "lambda m: -(m * np.subtract.outer(*2 * [np.arange(m.shape[-1])]) ** 2).sum((-2, -1))",
            "None",
        ),
    ],
)
def test_usual_scores_pass(install, capsys, of, parts):
    install(scored(of, parts))
    assert "kappa" in metrics() and not capsys.readouterr().err


@pytest.mark.parametrize(
    ("of", "why"),
    [
        ("lambda m: np.random.rand(*m.shape[:-2])", "other scores each time"),
        ("lambda m: m[..., 0, 0] + next(CALLS)", "other scores each time"),
        ("lambda m: m[..., 0, 0] / m.max()", "another score alone than among others"),
        ("lambda m: np.full(m.shape[:-2], m[..., 0, 0].mean())", "another score alone"),
        (
            "lambda m: KEPT.setdefault((m.shape, m.sum()), m[..., 0, 0] / m.sum((-2, -1)))",
            "another score alone",
        ),
        *(
            (
                f"lambda m: (KEPT.update(a={best}(KEPT.get('a', {start}), share(m).{best}())), "
                "np.full(m.shape[:-2], KEPT['a']))[1]",
                "keeps something from one matrix to the next",
            )
            for best, start in (("max", 0), ("min", 1))
        ),
        (
            "lambda m: m[..., 0, 0] / m.sum((-2, -1)) + (m.ndim > 4)",
            "among hundreds than among few",
        ),
        (
            "lambda m: np.maximum(share(m), np.quantile(share(m), 0.01, method='lower'))",
            "among the 2000 of a bootstrap",
        ),
        (
            "lambda m: share(m) - (len(np.unique(share(m))) > 50) * share(m).std()",
            "among the 2000 of a bootstrap",
        ),
    ],
)
def test_scores_that_are_not_those_of_the_matrix_alone_leave_it_out(install, capsys, of, why):
    start = "import itertools, numpy as np\nfrom bench.protocol.metrics import Metric\n"
    start += "share = lambda m: m[..., 0, 0] / (m.sum((-2, -1)) + 1)\n"
    install(f"{start}CALLS = itertools.count()\nKEPT = {{}}\nKAPPA = Metric('kappa', 'K', {of})\n")
    assert "kappa" not in metrics()
    assert why in capsys.readouterr().err


FIRST = {
    "a prior": "weights(KEPT.setdefault(m.shape[-1], m.sum(-1).reshape(-1, m.shape[-1])[0]), m)",
    "a scale": "m.trace(axis1=-2, axis2=-1) / KEPT.setdefault(0, m.sum((-2, -1)).max())",
    "a draw": "acc(m) * SCALE",
}


@pytest.fixture
def in_folder(install, tmp_path):
    """Installs a package of two modules, the scores and the metric that is made of them."""
    modules = ("theirs", "theirs.scores", "theirs.kappa")

    def put(scores: str, kappa: str) -> None:
        (tmp_path / "theirs").mkdir()
        for module, source in zip(
            ("__init__", "scores", "kappa"), ("", scores, kappa), strict=True
        ):
            (tmp_path / "theirs" / f"{module}.py").write_text(source)
        install("", value="theirs.kappa:KAPPA")

    yield put
    for module in modules:
        sys.modules.pop(module, None)


SCORES = """
import numpy as np
from bench.protocol.metrics import *
KEPT, SCALE = {{}}, np.random.default_rng().random()
def weights(prior, m):
    return (class_recall(m) * prior / prior.sum()).sum(-1)
def score(m):
    return {}
"""
MADE = "KAPPA = Metric('kappa', 'K', score)\n"


@pytest.mark.parametrize("of", FIRST.values(), ids=FIRST)
def test_one_that_fixes_something_when_it_is_first_used_is_left_out(install, capsys, of):
    install(SCORES.format(of) + MADE)
    assert "kappa" not in metrics()
    assert "imported anew" in capsys.readouterr().err


@pytest.mark.parametrize("of", [*FIRST.values(), "acc(m)"])
def test_so_is_one_whose_other_modules_do(in_folder, capsys, of):
    in_folder(
        SCORES.format(of),
        "from bench.protocol.metrics import Metric\nfrom theirs.scores import score\n" + MADE,
    )
    assert ("kappa" in metrics()) == (of == "acc(m)")
    assert ("imported anew" in capsys.readouterr().err) == (of != "acc(m)")
    import theirs

    assert theirs.scores is sys.modules["theirs.scores"]
    assert theirs.kappa.score is theirs.scores.score


ONCE = """
import sys
from bench.protocol.metrics import *
assert not hasattr(sys, "their_registry"), "registered already"
sys.their_registry = "kappa"
"""


@pytest.mark.parametrize("start", ["", ONCE])
def test_its_module_stays_as_it_was_and_may_run_only_once(install, capsys, monkeypatch, start):
    monkeypatch.setattr(sys, "their_registry", None, raising=False)
    monkeypatch.delattr(sys, "their_registry")
    install(start + scored("acc"))
    found = metrics()["kappa"]
    assert sys.modules["their_metrics"].KAPPA.function is found.function.args[1]
    assert not capsys.readouterr().err
