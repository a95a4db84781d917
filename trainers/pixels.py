"""From the bytes of an image to a tensor, faster than bit for bit: within 2/255 of LLaVA's.

torch's bicubic filter on bytes does the work of Pillow's in half the time and rounds otherwise.
"""

import numpy as np
import torch

from imagewikiqa.mixtures.pixels import BACKGROUND, DEVIATION, MEAN, SIDE, decode


def clip_bytes(data: bytes, side: int = SIDE) -> torch.Tensor:
    """Return an image padded to a square and resized, as uint8 (3, side, side).

    Raises ToolkitError for an image that cannot be decoded.
    """
    image = decode(data)
    width, height = image.size
    longer = max(width, height)
    left, top = (longer - width) // 2, (longer - height) // 2
    canvas = np.empty((1, longer, longer, 3), np.uint8)
    inside = canvas[:, top : top + height]
    canvas[:, :top] = canvas[:, top + height :] = BACKGROUND
    inside[:, :, :left] = inside[:, :, left + width :] = BACKGROUND
    inside[:, :, left : left + width] = np.asarray(image)
    channels = torch.from_numpy(canvas[0]).permute(2, 0, 1)[None]
    return torch.nn.functional.interpolate(
        channels, size=(side, side), mode="bicubic", antialias=True
    )[0]


def normalised(images: torch.Tensor) -> torch.Tensor:
    """Return bytes (..., 3, side, side) as CLIP's float32; on the device it costs nothing."""
    shift = torch.tensor(MEAN, device=images.device).mul_(255)[:, None, None]
    scale = torch.tensor(DEVIATION, device=images.device).mul_(255)[:, None, None]
    return images.float().sub_(shift).div_(scale)
