"""`python -m reports.docs` regenerates the computed pages of docs/ and the picture over README."""

from bench.errors import UsageError
from reports.docs.overview import write_overview
from reports.docs.pages import DOCS, write_pages
from reports.docs.peers import RESULTS
from reports.docs.script import script


def write_all() -> None:
    """Writes them below the working directory, the root of the repository."""
    if not (DOCS.is_dir() and RESULTS.is_dir()):
        raise UsageError(f"no {DOCS} or {RESULTS} here: run it in the root of the repository")
    write_pages(DOCS)
    write_overview(RESULTS, DOCS)


if __name__ == "__main__":
    script(write_all)
