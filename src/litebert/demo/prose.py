"""From a docstring to paragraphs of plain English: what a reader reads, without the mark-up.

Doctests, literal blocks, tables, headings, signatures and formulas are left out; descriptions of
parameters and items of lists are kept as paragraphs of their own. The rules know the habits of
reStructuredText, of NumPy's and Google's docstrings and of Markdown, roughly and without a parser:
what still does not look like prose at the end is dropped.
"""

import inspect
import re
from collections.abc import Iterator

_DOCTEST = re.compile(r"\s*(>>>|\.\.\. |In \[\d+\]|\$ )")
_RULE = re.compile(r"\s*([=\-~^\"'`*+#_.:])\1{2,}\s*$")
_TABLE = re.compile(r"\s*([|+].*[|+]|=+( +=+)+)\s*$")
_BULLET = re.compile(r"\s*([-*•+]|\(?[0-9a-z]{1,2}[.)]|\.\. \[\w+\])\s+(?=\S)")
_DIRECTIVE = re.compile(r"\s*\.\. ([\w:-]+?)::\s*(.*)$")
_FENCE = re.compile(r"\s*(```|~~~)")
_SPOKEN = {"note", "warning", "tip", "important", "caution", "hint", "attention", "seealso"}
# What stands before a parameter's description: `:param x:`, `x (int, optional):`, `x:`, `x -`.
_NAMED = re.compile(
    r"(:(param|type|arg|argument|return|returns|raises?|keyword|kwarg|var|ivar|rtype)\b[^:]*:\s*)"
    r"|([*`]*[A-Za-z_][\w.]*[*`]*(, [*`]*\w+[*`]*)*\s*\((?:[^()]|\([^()]*\))*\)\s*(:|--?)\s+)"
    r"|([*`]*[A-Za-z_][\w.\[\]]*[*`]*:\s+(?=[A-Z]))"
)
_HEADER = re.compile(r"[*`'\"]*[A-Za-z_][\w.*` ,'\"]*( ?: ?.*|:?)$")
_INLINE = [
    (re.compile(r"%\([\w:]+\)s"), ""),
    (re.compile(r":[\w:+-]+:`[~!]?([^`<]*?)\s*<[^`>]*>`"), r"\1"),
    (re.compile(r"(?::[\w:+-]+:)?`~(?:[\w.]*\.)?([^`]*)`"), r"\1"),
    (re.compile(r":[\w:+-]+:`!?([^`]*)`"), r"\1"),
    (re.compile(r"`([^`<]*?)\s*<[^`>]*>`__?"), r"\1"),
    (re.compile(r"!?\[([^\[\]]*)\](\([^()]*\)|\[[^\[\]]*\])"), r"\1"),
    (re.compile(r"\[[\w*#]+\]_"), ""),
    (re.compile(r"``([^`]*)``"), r"\1"),
    (re.compile(r"`([^`]*)`_{0,2}"), r"\1"),
    (re.compile(r"(?<![\w*])\*{1,2}(?=\S)([^*]+?)(?<=\S)\*{1,2}(?![\w*])"), r"\1"),
    (re.compile(r"<https?://[^>\s]*>|https?://[^\s)>\]]+"), ""),
    (re.compile(r"</?[A-Za-z][^<>]*>"), ""),
    (re.compile(r"\\(?=[*_`|\\])"), ""),
    (re.compile(r"\s+"), " "),
    (re.compile(r"\s+(?=[,.;:!?)](\s|$))"), ""),
]
_WORD = re.compile(r"[\"'(\[]*[A-Za-z]+(['’-][A-Za-z]+)*[\"')\]]*[.,;:!?)]*$")
_COMMON = re.compile(
    r"\b(a|an|and|are|as|at|be|but|by|can|for|from|has|if|in|is|it|may|not|of|on|one|or|should|that"
    r"|the|then|this|to|use|used|using|was|when|which|will|with|without)\b",
    re.IGNORECASE,
)
_FEWEST_WORDS = 5
_LONGEST = 1500  # characters; longer blocks are lists or data that lost their line breaks
_PLAIN_SHARE = 0.75  # of the words must be letters alone


def paragraphs(docstring: str) -> list[str]:
    """The paragraphs of natural English in a docstring or manual page, in order, a line each."""
    cleaned = (_plain(" ".join(block)) for block in _blocks(docstring))
    return [text for text in cleaned if is_prose(text)]


def is_prose(text: str) -> bool:
    """Whether a line reads like English sentences rather than code, formulas or a table."""
    if not text or len(text) > _LONGEST or not (text[0].isalpha() or text[0] in "\"'("):
        return False
    words = text.split()
    plain = sum(_WORD.match(word) is not None for word in words)
    if len(words) < _FEWEST_WORDS or plain < _PLAIN_SHARE * len(words):
        return False
    return _COMMON.search(text) is not None


def _plain(block: str) -> str:
    """A block without mark-up, links and the name of the parameter that it describes."""
    text = _NAMED.sub("", block.strip(), count=1) if _NAMED.match(block.strip()) else block.strip()
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return text.strip()


def _blocks(docstring: str) -> Iterator[list[str]]:
    """Cut a docstring into the lines of its paragraphs and list items, without literal parts."""
    block: list[str] = []
    margin = 0  # indentation of the block's first line
    literal: int | None = None  # lines indented deeper than this are code
    doctest = fenced = False
    for line in inspect.cleandoc(docstring).splitlines():
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced or (doctest and text) or (text and literal is not None and indent > literal):
            continue
        elif not text:
            doctest = False
            yield block
            block = []
            continue
        else:
            literal = None
            doctest = _DOCTEST.match(line) is not None
            directive = _DIRECTIVE.match(line)
            if _RULE.match(line) or _TABLE.match(line):
                block = []  # an underlined heading, or the frame of a table
                continue
            if directive or doctest:
                yield block
                block = []
                if directive and directive[1] in _SPOKEN:
                    block, margin = [directive[2]], indent
                elif directive:
                    literal = indent
                continue
            bullet = _BULLET.match(line)
            if bullet or _NAMED.match(text) or _starts_anew(block, indent, margin):
                yield block
                block = []
            if not block:
                margin = bullet.end() if bullet else indent
            block.append(line[bullet.end() :].strip() if bullet else text)
            if text.endswith("::"):
                block[-1] = block[-1][:-1]
                literal = indent
            continue
        yield block
        block = []
    yield block


def _starts_anew(block: list[str], indent: int, margin: int) -> bool:
    """Whether a change of indentation ends the block: a dedent, or below a parameter's header."""
    if not block or indent == margin:
        return False
    return indent < margin or (len(block) == 1 and _HEADER.match(block[0]) is not None)
