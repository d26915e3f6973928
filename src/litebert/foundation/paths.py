"""What folders are called when several are shown side by side."""

import os
from collections.abc import Sequence
from pathlib import Path


def short_names(folders: Sequence[Path]) -> list[str]:
    """The folders' names; their paths below what all of them share, where names are equal."""
    places = [folder.resolve() for folder in folders]
    names = [place.name for place in places]
    if len(set(names)) == len(names):
        return names
    shared = os.path.commonpath(places)
    return [place.relative_to(shared).as_posix() for place in places]
