"""How much memory this process has, had, and may still take.

Linux says so in /proc and in the control groups' files; elsewhere it is not known.
"""

from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
# For each version of control groups: where the limit and the use are, and what of the use is only
# cached files, which give way.
_GROUP_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available_memory(proc: Path = PROC, cgroups: Path = CGROUPS) -> int | None:
    """Bytes that processes like this one may still take without swapping or being killed.

    The least of what the machine has available and of what every control group that this process
    is in leaves of its limit. None where the system does not say.
    """
    free = [_entry(proc / "meminfo", "MemAvailable:")]
    free += [_left(group) for group in _groups(proc, cgroups)]
    known = [value for value in free if value is not None]
    return max(0, min(known)) if known else None


def resident_memory(proc: Path = PROC) -> int | None:
    """Bytes that this process occupies now."""
    return _entry(proc / "self" / "status", "VmRSS:")


def peak_memory(proc: Path = PROC) -> int | None:
    """Bytes that this process occupied at most since it began."""
    return _entry(proc / "self" / "status", "VmHWM:")


def _groups(proc: Path, cgroups: Path) -> Iterator[Path]:
    """The folders of the control groups that limit this process's memory, and those above them.

    In a container the path may be the host's, of which only the root is seen.
    """
    for line in _text(proc / "self" / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root = cgroups
        elif "memory" in controllers.split(","):
            root = cgroups / "memory"
        else:
            continue
        place = root / path.lstrip("/")
        yield from (folder for folder in (place, *place.parents) if folder.is_relative_to(root))


def _left(group: Path) -> int | None:
    """What a control group leaves of its limit."""
    for limit_file, use_file, cached_key in _GROUP_FILES:
        limit, use = _text(group / limit_file).strip(), _text(group / use_file).strip()
        if limit.isdigit() and use.isdigit():
            cached = _entry(group / "memory.stat", cached_key, unit=1) or 0
            return int(limit) - (int(use) - cached)
    return None


def _entry(path: Path, key: str, unit: int = 1024) -> int | None:
    """The number that stands after a key at the beginning of a line, in bytes."""
    for line in _text(path).splitlines():
        name, _, rest = line.partition(" " if unit == 1 else "\t" if "\t" in line else " ")
        if name == key:
            return int(rest.split()[0]) * unit
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
