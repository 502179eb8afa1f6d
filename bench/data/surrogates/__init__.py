"""Generated surrogate clips; the modules in the order in which a clip is made.

`releases`: what each data set looks like; `rows`: which clips it has; `plans`: length and action
units of each clip; `faces`: the subject's face; `action_units`: how an action unit moves a face;
`motion`: how a clip moves; `painting`, `pictures`: its images; `spreadsheets`: its annotation;
`writing`: files on disk.
"""
