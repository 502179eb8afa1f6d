"""`python -m reports.docs` regenerates the computed pages of docs/ and the picture over README."""

from reports.docs.overview import write_overview
from reports.docs.pages import DOCS, write_pages
from reports.docs.peers import RESULTS

if __name__ == "__main__":
    write_pages(DOCS)
    write_overview(RESULTS, DOCS)
