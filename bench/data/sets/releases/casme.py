"""CASME (Yan et al., FG 2013), the first of its laboratory: 195 clips at 60 frames/s."""

from __future__ import annotations

from types import MappingProxyType

from bench.data.disk.finding import Names
from bench.data.sets.releases.coded import CodedSet


class Casme(CodedSet):
    """`Cropped/sub01/EP01_5/reg_EP01_5-12.jpg`, or the raw `EP01_5-12.jpg`."""

    name = "casme"
    title = "CASME"
    summary = "micro-expressions at 60 frames/s, Chinese Academy of Sciences; no challenge list"
    how_to_get = (
        "CASME is licensed by the Institute of Psychology, Chinese Academy of Sciences, on a "
        "signed agreement; put CASME.xls and Cropped/sub01/EP01_5/ (or CASME_raw_selected/) into "
        "the data root or a CASME folder below it."
    )
    names = Names(
        homes=("casme",),
        inside=("cropped", "raw"),
        others=("casme2", "casmeii", "casme3", "casmesq"),
        frames=("cropped", "*crop*", "casme_raw_selected", "*raw*", "*"),
        sheets=("casme", "casme-coding*"),
    )
    layout = ("CASME.xls(x)", "CASME/CASME.xls(x)")
    subject_prefix = "sub"
    subject_digits = 2
    fps = 60.0
    columns = MappingProxyType(
        {
            "subject": "Subject",
            "clip": "Filename",
            "onset": "OnsetF",
            "apex": "ApexF1",
            "offset": "OffsetF",
            "emotion": "Emotion",
        }
    )
    frame_folders = ("Cropped", "CASME_raw_selected")
    clip_pattern = r"EP[0-9]+(_[0-9]+)*[a-z]?"
    synonyms = MappingProxyType({"other": "others"})
