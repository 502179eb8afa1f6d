"""CASME II (Yan et al., PLoS ONE 2014): 255 coded rows, 145 of them in the challenge."""

from __future__ import annotations

from types import MappingProxyType

from bench.data.disk.finding import Names
from bench.data.sets.releases.coded import CodedSet


class Casme2(CodedSet):
    """`Cropped/sub01/EP02_01f/reg_img46.jpg`, or the raw `img46.jpg`; numbers are not padded."""

    name = "casme2"
    title = "CASME II"
    summary = "145 clips of 24 subjects at 200 frames/s, Chinese Academy of Sciences"
    how_to_get = (
        "CASME II is licensed by the Institute of Psychology, Chinese Academy of Sciences (Xiaolan "
        "Fu's group), on an agreement signed by a permanent academic; put "
        "CASME2-coding-20140508.xlsx and Cropped/sub01/EP02_01f/ (or CASME2_RAW_selected/) into "
        "the data root or a CASME2 folder below it."
    )
    names = Names(
        homes=("casme2", "casmeii"),
        inside=("cropped", "raw"),
        frames=("cropped", "*crop*", "*preprocessed*", "casme2_raw_selected", "*raw*", "*"),
        sheets=("casme2-coding*",),
    )
    layout = ("CASME2-coding-20140508.xlsx", "CASME2/CASME2-coding-20140508.xlsx")
    subject_prefix = "sub"
    subject_digits = 2
    fps = 200.0
    columns = MappingProxyType(
        {
            "subject": "Subject",
            "clip": "Filename",
            "onset": "OnsetFrame",
            "apex": "ApexFrame",
            "offset": "OffsetFrame",
            "emotion": "Estimated Emotion",
        }
    )
    frame_folders = ("Cropped", "CASME2_RAW_selected")
    clip_pattern = r"EP[0-9]+(_[0-9]+)*[a-z]?"
