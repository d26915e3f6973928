"""What a folder is found to hold: its kind, facts about it, and what can be done with it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Found:
    """What lies at a path, in words ready to be shown."""

    kind: str
    facts: dict[str, str]
    """A name and a value each, in the order to be shown."""
    hints: list[str] = field(default_factory=list)
    """Commands that go on from here, or what is wrong, a line each."""


def counted(count: int, noun: str) -> str:
    """'1 depth', '12 depths'."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def size_words(size: int) -> str:
    """Bytes as people read them: '812 kB', '45.6 MB'."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{-(-size // 1000)} kB"
