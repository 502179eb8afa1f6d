"""All that only a GPU can tell, measured by one command: `python -m reports.gpu --out DIR`."""
