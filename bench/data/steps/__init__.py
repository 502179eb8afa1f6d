"""Preprocessing, from frames on disk to a small 8-bit clip, one step per file."""
