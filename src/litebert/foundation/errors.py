"""Errors a user can mend: each message says what is wrong, where, and how to mend it.

The command line prints such an error in one line and ends with its exit code; anything else that
escapes is a bug of ours and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class LitebertError(ValueError):
    """Base of every error that the user, rather than we, can mend."""

    exit_code: ClassVar[int] = 2


class ConfigError(LitebertError):
    """A setting, preset, recipe or command-line value is unknown or does not fit."""


class DataError(LitebertError):
    """A text, table or labelled file is missing, empty, damaged or of the wrong form."""


class VocabularyError(LitebertError):
    """A vocabulary cannot be trained, read, or does not belong to what it is used with."""


class CorpusError(LitebertError):
    """A corpus folder is missing, incomplete or damaged."""


class ModelFolderError(LitebertError):
    """A folder is not a model folder, or its weights and configuration disagree."""


class CheckpointError(LitebertError):
    """A checkpoint is missing, incomplete or damaged."""


class ResumeError(LitebertError):
    """A run cannot go on with the settings or data it is given now."""


class StorageError(LitebertError):
    """Something cannot be written: no space, no permission, or the place is taken."""


class DivergenceError(LitebertError):
    """Training went wrong beyond what going back mends: the loss or a gradient is no number."""

    exit_code = 3


class LostProcessError(LitebertError):
    """One of the processes that train together ended, or does not answer any more."""

    exit_code = 3


class MissingExtraError(LitebertError):
    """An optional dependency is needed; the message names the extra to install."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Say what a misspelt `name` may have meant, as the end of an error message.

    Returns 'did you mean "x"?' for names that begin so or a close match, else a list of all.
    """
    choices = [str(choice) for choice in known]
    begun = [choice for choice in choices if name and choice.startswith(name)]
    close = begun or get_close_matches(name, choices, n=1, cutoff=0.6)
    if close:
        meant = " or ".join(f'"{choice}"' for choice in close)
        return f"did you mean {meant}?"
    return f"known: {', '.join(choices)}"
