"""How many bytes the tensors of a GGUF file take, and whether the file has them all.

The package ``gguf`` has a table like this one; it is not used, for it brings an HTTP client and its certificates along,
and has 40 bytes where a block of Q8_1 is 36. A test holds this table against the library that loads the models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

#: ggml's tensor types: how many weights a block holds, and its bytes.
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
#: A type that is not here takes at least a bit a weight.
_UNKNOWN = (8, 1)
_MOST_WEIGHTS = 1 << 48


class TensorSizes:
    """Collects where the weights of a file end: ``last``, in bytes after their beginning."""

    def __init__(self, alignment: int) -> None:
        self.alignment = alignment
        self.last = 0
        self._names: set[str] = set()

    def add(self, name: str, shape: Sequence[int], *, kind: int, offset: int) -> str:
        """What cannot be, in words; ``""`` for a tensor that makes sense."""
        weights = math.prod(shape)
        if name in self._names:
            return f"two tensors of the name {name!r}"
        self._names.add(name)
        if weights > _MOST_WEIGHTS:
            return f"tensor {name!r} has {weights} weights"
        if offset % self.alignment:
            return f"tensor {name!r} begins at byte {offset}, not a multiple of {self.alignment}"
        block, block_bytes = BLOCKS.get(kind, _UNKNOWN)
        if kind in BLOCKS and shape and shape[0] % block:
            return f"tensor {name!r} has rows of {shape[0]} weights, not a multiple of {block}"
        self.last = max(self.last, offset + weights // block * block_bytes)
        return ""


def check_whole(sizes: TensorSizes, *, head_end: int, file_end: int) -> str:
    """What is missing, in words; ``""`` where all weights are there."""
    start = -(-head_end // sizes.alignment) * sizes.alignment
    return f"its weights end at byte {start + sizes.last}" if sizes.last and start + sizes.last > file_end else ""
