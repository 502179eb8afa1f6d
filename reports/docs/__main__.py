"""`python -m reports.docs` regenerates the computed pages of docs/."""

from reports.docs.pages import DOCS, write_pages

if __name__ == "__main__":
    write_pages(DOCS)
