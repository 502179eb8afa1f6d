"""The sum of what an entry point of a package brings: what it imports of its own, and no more."""

import pytest
from own_packages import installing

from bench.system.package_code import package_code
from bench.system.packages import forget

FILES = {
    "__init__.py": "",
    "nets.py": "from . import layers\nimport json\n\nNET = layers.WIDTH\n",
    "layers.py": "def late():\n    import lab.parts.heads\n\nWIDTH = 3\n",
    "parts/__init__.py": "",
    "parts/heads.py": "from ..sizes import *\n",
    "sizes.py": "SMALL = 1\n",
    "unused.py": "BIG = 2\n",
}


@pytest.fixture
def lab(tmp_path):
    """A package of several modules; its folder."""
    with installing(tmp_path) as put:
        put("", {"bench.things": {"net": "lab.nets:NET"}}, "lab")
        (tmp_path / "lab.py").unlink()
        for name, source in FILES.items():
            (tmp_path / "lab" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "lab" / name).write_text(source)
        yield tmp_path / "lab"


def code():
    forget()
    return package_code("bench.things", "net")


@pytest.mark.parametrize("file", [name for name in FILES if name != "unused.py"])
def test_a_change_of_what_is_imported_changes_the_sum(lab, file):
    before = code()
    assert before and before == code()
    (lab / file).write_text(FILES[file] + "# edited\n")
    assert code() != before
    (lab / file).write_text(FILES[file])
    assert code() == before


def test_what_is_not_imported_changes_nothing(lab):
    before = code()
    (lab / "unused.py").write_text("BIG = 3\n")
    assert code() == before
    assert package_code("bench.things", "net", ("lab.unused",)) not in (before, None)


def test_a_network_may_lie_beside_the_module_that_names_it(lab, tmp_path):
    (tmp_path / "beside.py").write_text("")
    before = package_code("bench.things", "net", ("beside", "baselines.fixed"))
    (tmp_path / "beside.py").write_text("# edited")
    forget()
    assert package_code("bench.things", "net", ("beside", "baselines.fixed")) != before
    assert before != package_code("bench.things", "net")


def test_modules_that_no_longer_parse_have_a_sum(lab):
    (lab / "nets.py").write_text("NET = (\n")
    assert code()


def test_the_harness_itself_has_none():
    assert package_code("bench.variants", "rnas_mer") is None
    assert package_code("bench.variants", "nothing_of_that_name") is None


DATA = """
from importlib.resources import files
from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights.pt"
CONFIG = Path(__file__).parents[1] / "data" / "config.yaml"
TABLES = [file for file in files("lab").iterdir() if file.name.endswith(".csv")]
"""


@pytest.mark.parametrize("name", ["lab/weights.pt", "data/config.yaml", "lab/table.csv"])
def test_a_change_of_a_data_file_that_the_code_names_changes_the_sum(lab, tmp_path, name):
    (lab / "nets.py").write_text(FILES["nets.py"] + DATA)
    without = code()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"1")
    first = code()
    (tmp_path / name).write_bytes(b"2")
    assert len({without, first, code()}) == 3
    (tmp_path / name).write_bytes(b"1")
    assert code() == first


def test_files_that_the_code_does_not_name_are_no_code(lab, tmp_path):
    """Runs, notes, caches and editors' files: work beside a module is no change of it."""
    (lab / "nets.py").write_text(FILES["nets.py"] + DATA)
    before = code()
    for name in ("runs/run.json", "m.safetensors", "lab/notes.md", "lab/__pycache__/nets.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    for name in (".weights.pt.swp", "weights.pt~", ".git/weights.pt", "Thumbs.db"):
        (lab / name).parent.mkdir(exist_ok=True)
        (lab / name).write_text("1")
    assert code() == before


def test_a_module_alone_has_data_files_and_the_sum_does_not_rest_on_where_it_lies(tmp_path):
    def found(folder):
        with installing(folder) as put:
            put('FILE = "weights.pt"\n', {"bench.things": {"net": "alone:FILE"}}, "alone")
            without = package_code("bench.things", "net")
            (folder / "weights.pt").write_text("1")
            (folder / "other.pt").write_text("1")
            forget()
            return without, package_code("bench.things", "net")

    places = [tmp_path / "here", tmp_path / "there"]
    for place in places:
        place.mkdir()
    (without, here), (_, there) = map(found, places)
    assert without != here == there


def test_code_without_data_files_keeps_the_sum_of_earlier_versions(lab):
    import hashlib

    files = {"lab": "__init__.py", "lab.nets": "nets.py", "lab.layers": "layers.py"}
    files |= {"lab.parts": "parts/__init__.py", "lab.parts.heads": "parts/heads.py"}
    files |= {"lab.sizes": "sizes.py"}
    digest = hashlib.sha256()
    for module in sorted(files):
        content = FILES[files[module]].encode()
        digest.update(f"{module} {len(content)}\n".encode() + content)
    assert code() == digest.hexdigest()
