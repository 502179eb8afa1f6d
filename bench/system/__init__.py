"""The operating system's side: files, processes, the machine lock, provenance."""
