"""Paragraphs to sentences, with the rules of about 300 languages (sentencex)."""

import re

import sentencex

from litebert.foundation.errors import ConfigError
from litebert.text.normalise import replace_surrogates

_CODE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


def split_sentences(text: str, language: str = "en") -> list[str]:
    """The sentences of a text in order, without the whitespace around them.

    `language` is a code as "en", "de" or "zh"; a language without rules of its own takes those of
    a relative. Raises ConfigError when it is not a language code.
    """
    if _CODE.fullmatch(language) is None:
        raise ConfigError(f'language "{language}" is not a language code: write "en", "de", "zh" …')
    parts = [part.strip() for part in sentencex.segment(language, replace_surrogates(text))]
    return [part for part in parts if part]
