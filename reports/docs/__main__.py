"""`python -m reports.docs` writes the computed pages of docs/ anew."""

from reports.docs.pages import DOCS, write_pages

if __name__ == "__main__":
    write_pages(DOCS)
