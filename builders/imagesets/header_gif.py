"""The structure of a GIF: its screen, first frame, second frame and end (source: GIF89a)."""

from imagewikiqa.builders.imagesets.header import (
    MAX_PARTS,
    MAX_PIXEL_PARTS,
    Header,
    cut,
    damaged,
    pair,
    too_complex,
)

MAX_COMMENTS = 1_000_000  # bytes; a decoder joins comments block by block, in quadratic time


class _Walk:
    """A place in a GIF, and how many blocks were passed."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 6
        self.blocks = 0

    def take(self, count: int) -> bytes:
        part = self.data[self.at : self.at + count]
        if len(part) < count:
            raise cut("there is no trailer")
        self.at += count
        return part

    def skip_blocks(self) -> int:
        """Pass blocks to the empty one that ends them; return how many bytes they held."""
        start = self.at
        while length := self.take(1)[0]:
            self.at += length
            self.blocks += 1
            if self.blocks > MAX_PIXEL_PARTS:
                raise too_complex(f"more than {MAX_PIXEL_PARTS:,} blocks")
        return self.at - start

    def skip_palette(self, flags: int) -> None:
        if flags & 0x80:
            self.take(3 << ((flags & 7) + 1))


def gif_header(data: bytes) -> Header:
    """Walk to the trailer or the second frame."""
    walk = _Walk(data)
    screen = walk.take(7)
    width, height = pair(screen)
    walk.skip_palette(screen[4])
    frames = extensions = noted = 0
    while frames < 2:
        kind = walk.take(1)
        if kind == b";":
            break
        if kind == b",":
            frame = walk.take(9)
            left, top = pair(frame)
            wide, high = pair(frame[4:])
            if not frames:  # a decoder widens the picture to hold its first frame
                width, height = max(width, left + wide), max(height, top + high)
            walk.skip_palette(frame[8])
            walk.take(1)
            walk.skip_blocks()
            frames += 1
        elif kind == b"!":
            walk.take(1)
            extensions, noted = extensions + 1, noted + walk.skip_blocks()
            if extensions > MAX_PARTS or noted > MAX_COMMENTS:
                raise too_complex(f"{extensions} extensions of {noted} bytes")
        else:
            raise damaged(f"a block of unknown kind {kind[0]}")
    if not frames or not width or not height:
        raise damaged(f"{frames} frames in {width} x {height}")
    return Header(format="GIF", width=width, height=height, frames=frames)
