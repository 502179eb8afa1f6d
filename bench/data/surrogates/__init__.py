"""Generated clips: their parts in the order in which they are made, and their writing.

`releases` says what each data set looks like, `rows` which clips it has, `plans` how long each
is and which action units it shows, `faces` who is seen, `action_units` how a unit moves a face,
`motion` how a clip moves, `painting` and `pictures` how it looks, `spreadsheets` what is noted.
"""
