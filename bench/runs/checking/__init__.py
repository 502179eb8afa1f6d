"""Whether the files of a run agree, are complete and are of the clips that it names."""
