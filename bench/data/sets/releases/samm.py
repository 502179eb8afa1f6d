"""SAMM (Davison et al., IEEE TAC 2018): 159 coded rows, 133 of them in the challenge."""

from __future__ import annotations

from types import MappingProxyType

from bench.data.disk.finding import Names
from bench.data.sets.releases.coded import CodedSet


class Samm(CodedSet):
    """`SAMM/006/006_1_2/006_05562.jpg`, grey; subjects read as int or text of three digits."""

    name = "samm"
    title = "SAMM"
    summary = "133 clips of 28 subjects at 200 frames/s, Manchester Metropolitan University"
    how_to_get = (
        "SAMM is licensed by Manchester Metropolitan University, on an agreement signed by a "
        "permanent academic; put SAMM_Micro_FACS_Codes_v2.xlsx and SAMM/006/006_1_2/ into the "
        "data root, or the spreadsheet and 006/006_1_2/ into a SAMM folder below it."
    )
    names = Names(
        homes=("samm",),
        others=("sammlong", "sammlv"),
        frames=("samm", ".", "*crop*", "*"),
        sheets=("samm_micro_facs_codes*",),
    )
    layout = ("SAMM_Micro_FACS_Codes_v2.xlsx", "SAMM/SAMM_Micro_FACS_Codes_v2.xlsx")
    subject_prefix = ""
    subject_digits = 3
    fps = 200.0
    columns = MappingProxyType(
        {
            "subject": "Subject",
            "clip": "Filename",
            "onset": "Onset Frame",
            "apex": "Apex Frame",
            "offset": "Offset Frame",
            "emotion": "Estimated Emotion",
        }
    )
    frame_folders = ("SAMM", ".")
    clip_pattern = r"[0-9]{3}_[0-9]+_[0-9]+"
