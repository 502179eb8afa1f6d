"""How large a file and a clip may be: what is larger is refused before memory is taken."""

MAX_SIDE = 1 << 20
MAX_PIXELS = 1 << 24
"""Pixels (width × height) of the largest frame that is decoded, about twice a 4K video frame."""

MAX_IMAGE_BYTES = 128 << 20
"""Of one image file: MAX_PIXELS without compression take 50 MB."""

MAX_CLIP_BYTES = 1 << 30
"""Of all files of a clip, and of its decoded frames: 170 colour frames of 1920×1080."""
