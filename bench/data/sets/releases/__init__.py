"""The licensed data sets, one file each."""
