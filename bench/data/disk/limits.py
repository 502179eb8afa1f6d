"""The largest files and clips that are read; larger ones are refused before memory is allocated."""

MAX_SIDE = 1 << 20
"""Height and width, in pixels, that no frame reaches."""

MAX_PIXELS = 1 << 24
"""Pixels (width × height) of the largest frame that is decoded, about twice a 4K video frame."""

MAX_IMAGE_BYTES = 128 << 20
"""Size of one image file; MAX_PIXELS without compression take 50 MB."""

MAX_CLIP_BYTES = 1 << 30
"""Size of all files of a clip, and of its decoded frames: 170 colour frames of 1920×1080."""

DARKEST = 16
"""Level that the brightest pixel of a clip or a flow image reaches, unless all are of one level.

Of 442 real flow images it is 179 or more.
"""
