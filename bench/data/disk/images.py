"""Image files of a clip as one array; sizes are checked before memory is allocated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.clips import Clip, clip_title
from bench.data.disk.limits import DARKEST, MAX_CLIP_BYTES, MAX_IMAGE_BYTES, MAX_PIXELS
from bench.data.disk.numbering import CONTAINER_SUFFIXES
from bench.data.surrogates.note import NOTE_NAME, generated
from bench.errors import DataError, printable

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""The only image formats that are opened: for some others Pillow starts external programs."""

ORIENTATION = 0x0112
"""The EXIF tag that says how a picture is to be turned."""

UPRIGHT, ON_THEIR_SIDE = 1, (5, 6, 7, 8)

HOLE = 16
"""Zero bytes in a row that stand amid the pixels of no whole JPEG, unless they are black."""

WEBP_PIXELS, WEBP_FLAT = (b"VP8 ", b"VP8L"), 8
"""Parts of a WebP that hold pixels, of which zeros are never an eighth at the end: of a blank
picture they are a twentieth."""

START_OF_SCAN, END_OF_IMAGE, HUFFMAN = b"\xff\xda", b"\xff\xd9", b"\xff\xc4"
"""Markers of a JPEG (ITU-T T.81)."""

BRIGHTNESS, END_OF_BLOCK = 0x10, 0
"""The table of codes of brightness, without its means, and what a flat block has there."""

RESTARTS = tuple(bytes((0xFF, 0xD0 + number)) for number in range(8))
"""Markers of a JPEG between parts that can be decoded alone."""

MORE = bytes((37 * number + 91) % 251 for number in range(64))
"""Codes of any picture: a JPEG that lacks none does not change where they are added."""

FILLED = (127, 128)
"""Levels that decoders fill in where the codes of a JPEG end early."""

BITS = 8
"""Bits of each level of a frame."""

PNG_BITS, BITS_PER_SAMPLE = 24, 0x0102
"""Where a PNG says the bits of a level, and the tag by which a TIFF does."""

PPM_HEAD, PPM_COLOUR = 1000, (b"P3", b"P6")
"""Bytes of a PPM that hold its head, and how one in colour begins."""

_GREY_MODES = ("1", "L", "LA")

_COLOUR_MODES = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")


def read_frames(clip: Clip) -> list[bytes]:
    """The bytes of each frame's file, in order.

    Raises DataError where a file is missing, and for files above the limits
    (`bench.data.disk.limits`), before memory is allocated.
    """
    if not clip.frames:
        raise DataError(
            f"clip {clip_title(clip)} has no frames; expected at least one image. "
            "Unpack the data set again."
        )
    _check_bytes(clip)
    return [_read(clip, path) for path in clip.frames]


def decode(clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
    """The frames as uint8 (n, H, W, C): C = 1 if all of them are grey, else 3 (RGB).

    Raises DataError for frames that cannot be read or are all but black, as those of 0 to 1 are,
    and for a clip given as a ready flow image.
    """
    video = _decoded(clip, contents)
    if len(video) > 1:
        refuse_dark(clip, int(video.min()), int(video.max()))
    return video


def refuse_dark(clip: Clip, least: int, most: int) -> None:
    """DataError for a clip whose pixels, of these levels, are all but black."""
    if least < most < DARKEST:
        raise DataError(
            f"{printable(clip.frames[0])}: no pixel of clip {clip_title(clip)} is brighter than "
            f"{most} of 255; frames of 0 to 1 have to be multiplied by 255"
        )


def _decoded(clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
    import numpy as np

    if clip.ready_flow:
        raise DataError(
            f"{clip.frames[0]}: clip {clip_title(clip)} is given as a ready flow image; expected "
            "its frames. Name them in the manifest, or choose a variant that sees optical flow."
        )

    if clip.frames[0].suffix.lower() in CONTAINER_SUFFIXES:
        from bench.data.disk.containers import unpack

        return unpack(clip, contents[0])

    images = [open_image(clip, *frame) for frame in zip(clip.frames, contents, strict=True)]
    _check_sizes(clip, images)
    width, height = _size(images[0])
    mode = "L" if all(image.mode in _GREY_MODES for image in images) else "RGB"
    if len(images) * height * width * len(mode) > MAX_CLIP_BYTES:
        raise _too_long(clip, f"{len(images)} frames of {_by((width, height))} pixels")
    video = np.empty((len(images), height, width, len(mode)), np.uint8)
    for pixels, path, image, content in zip(video, clip.frames, images, contents, strict=True):
        check_end(clip, path, image, content)
        pixels[...] = _pixels(clip, path, image, mode).reshape(pixels.shape)
    return video


def unreadable(clip: Clip, path: Path, error: Exception) -> DataError:
    """The error for a frame whose file is missing, may not be read or is no image."""
    if isinstance(error, FileNotFoundError):
        what = "is missing"
    else:
        what = f"cannot be read ({_first_line(error)})"
    again = "Unpack the data set again."
    if generated([path.parent]):
        again = (
            f"Move the folder that holds {NOTE_NAME} elsewhere: the clips are made again (in a "
            "folder of your own you have to put them there again)."
        )
    return DataError(
        f"{printable(path)}: this frame of clip {clip_title(clip)} {what}; expected a whole image "
        f"file. {again}"
    )


def _check_bytes(clip: Clip) -> None:
    whole_clip = clip.frames[0].suffix.lower() in CONTAINER_SUFFIXES
    total = 0
    for path in clip.frames:
        try:
            size = path.stat().st_size
        except OSError as error:
            raise unreadable(clip, path, error) from error
        if size > MAX_IMAGE_BYTES and not whole_clip:
            raise DataError(
                f"{printable(path)}: this frame of clip {clip_title(clip)} has {size >> 20} MB; "
                f"expected an image of at most {MAX_IMAGE_BYTES >> 20} MB"
            )
        total += size
    if total > MAX_CLIP_BYTES:
        raise _too_long(clip, f"{total >> 20} MB of files")


def _too_long(clip: Clip, what: str) -> DataError:
    return DataError(
        f"{printable(clip.frames[0].parent)}: clip {clip_title(clip)} has {what}, more than the "
        f"{MAX_CLIP_BYTES >> 20} MB that are read; check its onset and offset, or crop it"
    )


def _read(clip: Clip, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(clip, path, error) from error


def open_image(clip: Clip, path: Path, content: bytes) -> Image:
    """The image with its header read and checked; its pixels are decoded later.

    DataError for what is no image of 8 bits, is too large, or holds several pictures: readers
    take the first, and the clip would be one frame where its file shows many.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(clip, path) from error
    except UnidentifiedImageError as error:
        raise unreadable(clip, path, ValueError(f"none of {', '.join(FORMATS)}")) from error
    except Exception as error:  # Pillow's readers raise OSError, SyntaxError, ValueError and others
        raise unreadable(clip, path, error) from error
    if _has_hole(image, content):
        raise unreadable(clip, path, ValueError(f"{HOLE} zero bytes or more amid its pixels"))
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(clip, path)
    if image.mode not in _GREY_MODES + _COLOUR_MODES:
        raise DataError(
            f"{printable(path)}: pixels of kind {image.mode!r}; expected 8-bit grey or colour. "
            f"Convert the frames of clip {clip_title(clip)} to 8 bits."
        )
    if (bits := _bits(image, content)) > BITS:
        raise DataError(
            f"{printable(path)}: pixels of {bits} bits a colour; expected {BITS}. Convert the "
            f"frames of clip {clip_title(clip)} to {BITS} bits, by their own largest level."
        )
    try:
        pictures = _pictures(image)
    except Exception as error:  # a damaged file may raise anything
        raise unreadable(clip, path, error) from error
    if pictures > 1:
        what = f"this file of clip {clip_title(clip)} {MANY.format(pictures)}"
        raise DataError(f"{printable(path)}: {what}.")
    return image


def _bits(image: Image, content: bytes) -> int:
    """Bits of a level in the file, of which Pillow gives 8: of colours the upper ones.

    8 where the format has no more, or its head is damaged: its reader will say.
    """
    try:
        if image.format == "PNG":
            return content[PNG_BITS]
        if image.format == "TIFF":
            bits = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, BITS)
            return bits if isinstance(bits, int) else max(bits)
        if image.format == "PPM":
            head = re.sub(rb"#[^\n]*", b"", content[:PPM_HEAD]).split()
            most = int(head[3]) if head[0] in PPM_COLOUR else 0
            return max(most.bit_length(), BITS)
    except Exception:  # a damaged head may raise anything
        return BITS
    return BITS


def _has_hole(image: Image, content: bytes) -> bool:
    """Whether zeros stand amid the pixels of a JPEG or WebP, as in a file that was copied in part.

    Decoders take them for pixels: mostly for a pattern that no picture has. Where the code of
    zeros is that of a flat block, and in progressive files, they may be the picture's.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    if image.format == "WEBP":
        return _zeros_end_webp(content)
    if not isinstance(image, JpegImageFile) or image.info.get("progressive"):
        return False
    if image.format == "MPO":  # its reader stands at the start again
        image = JpegImageFile(BytesIO(content))
    start = image.fp.tell() if image.fp else 0
    one_scan = content.startswith(START_OF_SCAN, start - 8 - 2 * image.layers)
    if not one_scan or _code_of_zeros(content[:start]) == END_OF_BLOCK:
        return False
    end = content.find(END_OF_IMAGE, start)
    return content.find(bytes(HOLE), start, end if end > 0 else None) > 0


def _zeros_end_webp(content: bytes) -> bool:
    """Whether the pixels of a WebP end in zeros that its encoder has not written."""
    place = 12
    while place + 8 < len(content):
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        if content.startswith(WEBP_PIXELS, place):
            pixels = content[place + 8 : place + 8 + size]
            zeros = len(pixels) - len(pixels.rstrip(b"\0"))
            return zeros > max(len(pixels) // WEBP_FLAT, 8 * HOLE)
        place += 8 + size + size % 2
    return False


def _code_of_zeros(head: bytes) -> int:
    """What zeros stand for in the codes of brightness of a JPEG: its shortest code.

    END_OF_BLOCK where its head has no such table.
    """
    place = 2
    while place + 4 < len(head):
        end = min(place + 2 + int.from_bytes(head[place + 2 : place + 4], "big"), len(head))
        table = place + 4 if head.startswith(HUFFMAN, place) else end
        while table + 17 < end:
            if head[table] == BRIGHTNESS:
                return head[table + 17]
            table += 17 + sum(head[table + 1 : table + 17])
        place = end
    return END_OF_BLOCK


def check_end(clip: Clip, path: Path, image: Image, content: bytes) -> None:
    """Decodes an image; DataError for a JPEG whose end was lost and its last marker added.

    Decoders take that for whole, and fill the rest of the picture with grey.
    """
    try:
        image.load()
        early = _ends_early(image, content)
    except Exception as error:  # a damaged file may raise any kind of error here
        raise unreadable(clip, path, error) from error
    if early:
        raise unreadable(clip, path, ValueError("its pixels end early, and grey is filled in"))


def _ends_early(image: Image, content: bytes) -> bool:
    """Whether a JPEG has room for more codes, of a last pixel that may be filled in.

    Of a progressive one, later codes sharpen the picture: any may lack some.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    if not isinstance(image, JpegImageFile):
        return False
    last = image.crop((image.width - 1, image.height - 1, image.width, image.height)).tobytes()
    if not image.info.get("progressive") and not all(level in FILLED for level in last):
        return False
    head = JpegImageFile(BytesIO(content)).fp
    end = content.find(END_OF_IMAGE, head.tell() if head else 0)
    if end < 0:
        return False
    more = MORE + b"".join(marker + MORE for marker in RESTARTS)
    longer = JpegImageFile(BytesIO(content[:end] + more + content[end:]))
    longer.load()
    return longer.tobytes() != image.tobytes()


MANY = (
    "holds {} pictures (an animation, or pages), of which a frame can be one alone: write each "
    "into an image file of its own, numbered in their order, or make it a video or an .npy array"
)


def picture_count(path: Path) -> int:
    """How many pictures an image file holds; 1 where it cannot be read, as its reader will say."""
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as image:
            return _pictures(image)
    except Exception:  # a damaged file may raise anything
        return 1


def is_transparent(path: Path) -> bool:
    """Whether viewers hide pixels of an image; False where it cannot be read."""
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as image:
            if not image.has_transparency_data:
                return False
            return image.convert("RGBA").getchannel("A").getextrema()[0] == 0
    except Exception:  # a damaged file may raise anything
        return False


def _pictures(image: Image) -> int:
    """What a camera adds to a photograph (MPO) does not count."""
    return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)


def _pixels(clip: Clip, path: Path, image: Image, mode: str) -> np.ndarray:
    """The decoded pixels, uint8 (H, W) for mode L, (H, W, 3) for RGB; frees the image.

    A picture that a camera stored lying on its side (EXIF) is turned as viewers show it.
    """
    import numpy as np
    from PIL import ImageOps

    try:
        turned = image if orientation(image) == UPRIGHT else ImageOps.exif_transpose(image)
        pixels = np.asarray(turned.convert(mode))
    except Exception as error:  # a damaged file may raise any kind of error here
        raise unreadable(clip, path, error) from error
    image.close()
    return pixels


def _check_sizes(clip: Clip, images: Sequence[Image]) -> None:
    first = _size(images[0])
    for path, image in zip(clip.frames, images, strict=True):
        if _size(image) != first:
            raise DataError(
                f"{printable(path)}: {_by(_size(image))} pixels, but the first frame of clip "
                f"{clip_title(clip)} ({printable(clip.frames[0].name)}) has {_by(first)}; expected "
                "one size. Crop all frames of the clip with the same box."
            )


def _size(image: Image) -> tuple[int, int]:
    """Width and height as viewers show the image."""
    width, height = image.size
    return (height, width) if orientation(image) in ON_THEIR_SIDE else image.size


def orientation(image: Image) -> int:
    """How a camera's picture is to be turned; Pillow turns those of other formats itself."""
    if image.format not in ("JPEG", "MPO", "WEBP"):
        return UPRIGHT
    try:
        return image.getexif().get(ORIENTATION, UPRIGHT)
    except Exception:  # damaged EXIF may raise anything; viewers show such a picture as it lies
        return UPRIGHT


def _too_large(clip: Clip, path: Path) -> DataError:
    return DataError(
        f"{printable(path)}: this frame of clip {clip_title(clip)} is larger than {MAX_PIXELS} "
        "pixels; expected a video frame. Check the file, or crop the frames to the face."
    )


def _by(size: tuple[int, int]) -> str:
    return "{}×{}".format(*size)


def _first_line(error: Exception) -> str:
    text = (getattr(error, "strerror", None) or str(error)).strip()
    return printable(text.splitlines()[0]) if text else type(error).__name__
