"""Clips of moving faces, and copies of them that lost something."""

from dataclasses import replace

import numpy as np
from image_clips import write_clip
from PIL import Image, ImageOps


def face(seed):
    """A smooth picture (64, 48, 3) of someone, and where and how much it moves."""
    generator = np.random.default_rng(seed)
    rough = generator.uniform(40, 210, (2, 8, 6))
    rough[1] = (rough[1] - 125) / 10
    still, moving = (
        np.asarray(
            Image.fromarray(each.astype(np.float32)).resize((48, 64), Image.Resampling.BICUBIC)
        )
        for each in rough
    )
    return still[..., None].repeat(3, -1), moving[..., None]


def recorded(folder, seed, change=lambda picture: picture, suffix=".png", **fields):
    """A clip in which a face moves to its apex and back."""
    still, moving = face(seed)
    video = np.stack([still + share * moving for share in (0, 0.5, 1, 0.3)])
    made = write_clip(folder, video.clip(0, 255).astype(np.uint8), name=folder.name)
    for path in made.frames:
        changed = change(Image.open(path).convert("RGB"))
        path.unlink()
        changed.save(path.with_suffix(suffix), quality=75)
    frames = tuple(path.with_suffix(suffix) for path in made.frames)
    return replace(made, frames=frames, apex=2, **fields)


LOSSY = {
    "jpeg": {"suffix": ".jpg"},
    "smaller": {"change": lambda picture: picture.resize((30, 40))},
    "brighter": {"change": lambda picture: picture.point(lambda level: 20 + 0.9 * level)},
    "mirrored": {"change": ImageOps.mirror},
}
