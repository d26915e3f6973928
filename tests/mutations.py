"""Files damaged at random: bytes, JSON, and safetensors whose header lies."""

import json
import random
from typing import Any

ODD = (
    *(None, True, -1, 0, 1, 2, 3, 7, 0.5, 1e308, 2**31, 2**63, 10**30),
    *("", "albert", "x" * 500, "\ud800", "\x1b[2J", "../x", [], {}, [[]], {"a": []}),
)


def damaged(whole: bytes, draw: random.Random) -> bytes:
    """Bytes cut short, changed, put in, or doubled; half of the places are near the start."""
    end = min(len(whole), draw.choice([200, len(whole)]))
    place = draw.randrange(end)
    kind = draw.randrange(6)
    if kind == 0:
        return whole[: draw.choice([0, 1, 8, place, len(whole) - 1])]
    if kind == 1:
        return whole[:place] + draw.randbytes(3) + whole[place + 3 :]
    if kind == 2:
        return whole[:place] + bytes([whole[place] ^ 1 << draw.randrange(8)]) + whole[place + 1 :]
    if kind == 3:
        return whole[:place] + draw.randbytes(draw.choice([1, 8, 300])) + whole[place:]
    if kind == 4:
        return whole[:place] + whole[draw.randrange(len(whole)) :]
    old, new = draw.choice(b"0123456789,:{"), draw.choice(b"0789,]")
    return whole.replace(bytes([old]), bytes([new]))


def damaged_json(whole: bytes, draw: random.Random) -> bytes:
    """JSON with values replaced, left out, renamed or nested; or its bytes damaged."""
    kind = draw.randrange(5)
    if kind == 0:
        return damaged(whole, draw)
    if kind == 1:
        deep = draw.choice([50, 100_000])
        return draw.choice([b"[" * deep, b"1" * 5000, whole.replace(b"1", b"1" * 5000), b"NaN"])
    values = json.loads(whole)
    for _ in range(draw.choice([1, 1, 2, 5])):
        _change(values, draw)
    return json.dumps(values).encode()


def damaged_safetensors(whole: bytes, draw: random.Random) -> bytes:
    """A safetensors file with a changed header of the right length; or its bytes damaged."""
    length = int.from_bytes(whole[:8], "little")
    kind = draw.randrange(3)
    if kind == 0:
        return damaged(whole, draw)
    if kind == 1:
        claimed = draw.choice([0, 1, length - 1, length + 1, 2**31, 2**63, 2**64 - 1])
        return claimed.to_bytes(8, "little") + whole[8:]
    header = json.loads(whole[8 : 8 + length])
    entry = header[draw.choice(sorted(header))]
    for _ in range(draw.choice([1, 2])):
        _change(draw.choice([header, entry]), draw)
    content = json.dumps(header).encode()
    return len(content).to_bytes(8, "little") + content + whole[8 + length :]


def _change(values: Any, draw: random.Random) -> None:
    """Change one value in a tree of JSON, somewhere."""
    while True:
        if isinstance(values, dict) and values:
            key: Any = draw.choice(sorted(values))
        elif isinstance(values, list) and values:
            key = draw.randrange(len(values))
        else:
            return
        inner = values[key]
        if not isinstance(inner, dict | list) or draw.random() < 0.3:
            break
        values = inner
    kind = draw.randrange(4)
    if kind == 0:
        del values[key]
    elif kind == 1 and isinstance(values, dict):
        values[draw.choice(["litebert", "model_type", "extra", "a.b"])] = values.pop(key)
    else:
        values[key] = draw.choice(ODD)
