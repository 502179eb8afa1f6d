import pytest
from click.testing import CliRunner
from drawn_runs import ONE_WAY

from ablations import RNAS_MER, RNAS_MER_3
from bench.errors import UsageError
from reports.cli.figures import figures
from reports.figures import PICTURES


@pytest.fixture
def invoke(tmp_path):
    """Runs `bench figures` on `tmp_path / "runs"`; errors for people are raised."""

    def call(*arguments):
        places = ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
        return CliRunner().invoke(figures, [*map(str, arguments), *places], catch_exceptions=False)

    return call


@pytest.fixture
def written(tmp_path):
    """Paths below the output folder."""
    out = tmp_path / "out"
    return lambda: {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}


HOME = "smic-surrogate/rnas_mer/smoke-aaaa1111/seed0"


def test_without_runs_figure_1_is_drawn_with_a_hint(invoke, written):
    result = invoke()
    assert result.exit_code == 0
    assert written() == {"figure1.png", "figure1.svg"}
    (line,) = result.stderr.splitlines()
    assert "no run in" in line and "bench run --variant" in line


def test_every_figure_is_written_and_listed(invoke, written, run, tmp_path):
    run(ONE_WAY, variant="rnas_mer")
    result = invoke("--format", "svg")
    assert (result.exit_code, result.stderr) == (0, "")
    names = ("network_path", "cell", "search_curves", "architecture", "confusion", "subjects")
    assert written() == {"figure1.svg", *(f"{HOME}/{name}.svg" for name in names)}
    listed = {line.removesuffix(": svg") for line in result.stdout.splitlines()}
    assert listed == {str(tmp_path / "out" / path).removesuffix(".svg") for path in written()}


def test_every_format(invoke, written, run, tmp_path):
    run(ONE_WAY, variant="rnas_mer")
    result = invoke("--figure", "cell", "confusion", "--format", "png", "svg", "pdf", "dot")
    expected = {f"{HOME}/{name}.{k}" for name in ("cell", "confusion") for k in PICTURES}
    assert written() == expected | {f"{HOME}/cell.dot"}
    first, second = result.stdout.splitlines()
    assert first == f"{tmp_path / 'out' / HOME}/cell: png svg pdf dot"
    assert second == f"{tmp_path / 'out' / HOME}/confusion: png svg pdf"


def test_figures_and_formats_may_be_chosen(invoke, written, run):
    run()
    invoke("--figure", "cell", "confusion", "--format", "svg")
    assert written() == {f"{HOME}/cell.svg", f"{HOME}/confusion.svg"}


def test_dot_alone_is_text_alone(invoke, written, run):
    run()
    invoke("--format", "dot")
    assert written() == {f"{HOME}/network_path.dot", f"{HOME}/cell.dot"}


def test_what_cannot_be_drawn_is_one_line_and_no_failure(invoke, run):
    run(variant="random_rnas_mer")
    result = invoke("--figure", "search_curves", "confusion", "--format", "svg")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert "random_rnas_mer" in line and "no search_curves: a random control" in line


def test_corrupt_files_are_named_and_the_rest_is_drawn(invoke, written, run):
    run(RNAS_MER)
    broken = run(RNAS_MER_3)
    (broken.folder / "metrics.json").write_text('{"uar": ')
    other = run(RNAS_MER, seed=1)
    (other.folder / "search" / "genotype.json").write_text("{")
    result = invoke("--figure", "cell", "--format", "svg")
    assert result.exit_code == 1
    assert written() == {f"{HOME}/cell.svg"}
    first, second = result.stderr.splitlines()
    assert "rnas_mer_3" in first and "genotype.json" in second


def test_filters(invoke, written, run):
    run(RNAS_MER)
    run(RNAS_MER_3, preset="small", digest="bbbb2222")
    run(RNAS_MER, surrogate=False, preset="small")

    def shown(*options):
        result = invoke("--figure", "subjects", "--format", "svg", *options)
        assert result.exit_code == 0
        found = {line.split("/out/")[1].rsplit("/", 1)[0] for line in result.stdout.splitlines()}
        return {path.replace("/seed0", "") for path in found}

    everything = {
        "smic-surrogate/rnas_mer/smoke-aaaa1111",
        "smic-surrogate/rnas_mer_3/small-bbbb2222",
        "smic/rnas_mer/small-aaaa1111",
    }
    assert shown() == shown("--dataset", "smic") == everything
    assert shown("--dataset", "smic-surrogate", "--preset", "small") == {
        "smic-surrogate/rnas_mer_3/small-bbbb2222"
    }
    assert shown("--config-hash", "bbbb") == {"smic-surrogate/rnas_mer_3/small-bbbb2222"}
    assert shown("--variant", "rnas_mer", "--preset", "smoke") == {
        "smic-surrogate/rnas_mer/smoke-aaaa1111"
    }
    assert shown("--variant", "rnas_mer_?", "ablation") == {
        "smic-surrogate/rnas_mer_3/small-bbbb2222"
    }


def test_no_run_of_the_kind_is_said(invoke, run):
    run()
    result = invoke("--figure", "cell", "--preset", "paper")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert "of the kind asked for" in line and "smoke-aaaa1111" in line


@pytest.mark.parametrize(
    ("arguments", "guess"),
    [
        (("--figure", "confusion_matrix"), "confusion"),
        (("--format", "pgn"), "png"),
        (("--variant", "rnas_mer_7"), "rnas_mer"),
    ],
)
def test_unknown_names_suggest_the_nearest(invoke, run, arguments, guess):
    run()
    with pytest.raises(UsageError, match=f"Did you mean '{guess}") as caught:
        invoke(*arguments)
    assert "\n" not in str(caught.value)


def test_runs_that_is_a_file_is_one_line(invoke, tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        invoke()


@pytest.mark.parametrize("arguments", [("--figur", "cell"), ("cell",)])
def test_misuse_exits_with_2(invoke, arguments):
    assert invoke(*arguments).exit_code == 2
