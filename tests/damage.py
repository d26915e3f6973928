"""Damage to the shards of a corpus folder, as disks, copies and people do it."""

import random
from pathlib import Path

KINDS = ("flip", "zeros", "cut", "swap")
PAGE = 4096  # bytes


def damage_shard(folder: Path, kind: str, draws: random.Random) -> list[str]:
    """Damage one shard: a bit flipped, a page zeroed, its end cut off, or another in its place.

    Returns the names of the files that have changed.
    """
    names = sorted(path.name for path in folder.glob("*.arrow"))
    name = draws.choice(names)
    whole = (folder / name).read_bytes()
    damaged = bytearray(whole)
    if kind == "flip":
        damaged[draws.randrange(len(whole))] ^= 1 << draws.randrange(8)
    elif kind == "zeros":
        start = draws.randrange(len(whole) - 64)
        damaged[start : start + PAGE] = bytes(len(whole[start : start + PAGE]))
    elif kind == "cut":
        del damaged[draws.randrange(len(whole)) :]
    else:
        other = draws.choice([each for each in names if each != name])
        damaged = bytearray((folder / other).read_bytes())
        (folder / other).write_bytes(whole)
        (folder / name).write_bytes(damaged)
        return [name, other]
    (folder / name).write_bytes(damaged)
    return [name] if damaged != whole else []
