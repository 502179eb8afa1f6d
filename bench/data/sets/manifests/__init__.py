"""Lists of clips that users write or have made: read, written, made of their tables."""
