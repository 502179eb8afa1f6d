import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest

from bench.errors import BenchError
from bench.methods.registry import variants
from reports.figures import PICTURES, run_figures, save, svg, tradeoff

SVG = "{http://www.w3.org/2000/svg}"


def some(record):
    """Figures with images, curves, patches and many texts."""
    return [*run_figures(record, ("cell", "architecture")).figures.values()]


@pytest.mark.parametrize(
    ("kind", "name"), [("png", "architecture"), ("svg", "architecture"), ("pdf", "cell")]
)
def test_the_same_run_gives_the_same_bytes(made, tmp_path, kind, name):
    one, other = (run_figures(made["one_way"], [name]).figures[name] for _ in range(2))
    (first,) = save(one, tmp_path / "first", [kind])
    (second,) = save(other, tmp_path / "second", [kind])
    (again,) = save(other, tmp_path / "again", [kind])
    assert first.read_bytes() == second.read_bytes() == again.read_bytes()


def test_files_are_what_their_names_say(made, tmp_path):
    figure = run_figures(made["one_way"], ["confusion"]).figures["confusion"]
    png, vector, pdf = save(figure, tmp_path / "one.run" / "confusion")
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    width = int.from_bytes(png.read_bytes()[16:20], "big")
    assert width / figure.get_size_inches()[0] >= 150
    assert ElementTree.fromstring(vector.read_text()).tag == f"{SVG}svg"
    assert pdf.read_bytes()[:5] == b"%PDF-" and b"CreationDate" not in pdf.read_bytes()
    assert [path.name for path in (png, vector, pdf)] == [f"confusion.{k}" for k in PICTURES]


def test_many_may_stand_in_one_page(made):
    drawn = [svg(figure) for figure in (*some(made["open"]), tradeoff([], variants()))]
    page = f"<html>{''.join(drawn)}</html>"
    assert "<?xml" not in page and "<!DOCTYPE" not in page
    tree = ElementTree.fromstring(page)
    names = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(names) == len(set(names)) > 0
    used = re.findall(r'url\(#([^)"]+)\)|href="#([^"]+)"', page)
    assert used and {a or b for a, b in used} <= set(names)
    for element in tree:
        assert (element.tag, element.get("role")) == (f"{SVG}svg", "img")
        assert element.get("aria-label")
    assert "Cell" in drawn[0] and "<text" in drawn[0]  # text stays text


def test_the_readers_own_settings_and_backend_are_left_alone(made):
    (plain,) = run_figures(made["open"], ["cell"]).figures.values()
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "savefig.dpi": 10}):
        (styled,) = run_figures(made["open"], ["cell"]).figures.values()
        assert svg(styled) == svg(plain)
    assert dict(matplotlib.rcParams) == before


def test_a_place_that_cannot_be_written_is_one_line(made, tmp_path):
    (tmp_path / "file").write_text("")
    figure = run_figures(made["open"], ["subjects"]).figures["subjects"]
    with pytest.raises(BenchError, match="cannot write") as caught:
        save(figure, tmp_path / "file" / "subjects", ["png"])
    assert "\n" not in str(caught.value)


def test_a_figure_is_drawn_without_torch_and_without_a_window(made):
    program = (
        "import sys, reports.figures\n"
        "from bench.runs.folder import RunFolder\nfrom bench.runs.record import read_run\n"
        "from pathlib import Path\n"
        f"reports.figures.run_figures(read_run(RunFolder(Path({str(made['one_way'].folder)!r}))))\n"
        "print(sorted({'torch', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    here = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=here, check=True
    )
    assert done.stdout == "[]\n"
