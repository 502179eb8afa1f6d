"""The search phase of a run, in this process or in one of its own."""
