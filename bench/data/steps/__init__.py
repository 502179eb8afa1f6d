"""From frames on disk to a small 8-bit clip, one step a file."""
