"""What the examples of this folder search: a few texts, and vectors in place of those of your embedding model."""

from __future__ import annotations

import math
import re
import zlib

QUERY = "how long do fleas live?"
ARTICLES = [
    {"id": "dogs", "title": "Dogs", "body": "Dogs bark at strangers.", "year": 2001},
    {"id": "pets", "title": "Pets", "body": "Cats and dogs may have fleas.", "year": 2003},
    {"id": "fleas", "title": "Fleas", "body": "Adult fleas live for up to 100 days on a host.", "year": 2005},
    {"id": "mayfly", "title": "Mayflies", "body": "The life of a mayfly is short.", "year": 2007},
    {"id": "jump", "title": "Records", "body": "A flea can jump 50 times its length.", "year": 2009},
]


def embed(text: str, size: int = 64) -> list[float]:
    """Words thrown into ``size`` places, at length 1: put your embedding model here."""
    vector = [0.0] * size
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode()) % size] += 1.0
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector]
