"""RACE: its files, every fault named by file, line and question, and its hyper-parameters.

Two layouts of `RACE/SPLIT/{middle,high}/`: one file an article, as distributed, or `all.txt` with
one JSON article a line, as the original's run_race.py wants it. Where both are there, `all.txt`
counts. Other questions in this form may have other numbers of options than RACE's four.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litebert.foundation.errors import ConfigError, DataError, nearest
from litebert.foundation.files import read_lines
from litebert.tasks.choice.questions import LEAST_OPTIONS, LETTERS, MOST_OPTIONS, ChoiceExample
from litebert.tasks.faults import Faults, Loaded
from litebert.tasks.presets import Preset
from litebert.text.normalise import replace_surrogates

LEVELS = ("middle", "high")
SPLITS = ("train", "dev", "test")
PRESET = Preset(2e-5, 32, 0.1, 0.1, 12000, 1000, 512)
"""The paper's Table 14."""
PRESET_V2 = Preset(1e-5, 32, 0.0, 0.1, 12000, 1000, 512, any_size=True)
"""For the second version of the models, which diverge with the first's values (its README)."""

_WHOLE = "all.txt"
_SHOWN_NAMES = 12


def read_race(
    data: Path,
    split: str = "train",
    levels: Sequence[str] = LEVELS,
    labelled: bool = True,
    skip_bad: bool = False,
) -> Loaded[ChoiceExample]:
    """Read a split from the folder that holds RACE, or from RACE itself; middle school first.

    A level whose folder is missing is passed over, where the other one is there. Every question
    must have as many options as most have, 2 to 26; `labelled` says whether their answers are
    needed. Raises ConfigError for an unknown split or level; DataError, naming file, line and
    question, where an article or question does not fit. With `skip_bad` such are left out and
    counted.
    """
    folders = race_folders(data, split, levels)
    faults = Faults(folders[0][1].parent, "questions")
    articles = [
        (level, where, article)
        for level, folder in folders
        for where, article in _articles(folder, faults)
    ]
    form = _Form(_common_options([article for _, _, article in articles]), labelled)
    examples = [
        example
        for level, where, article in articles
        for example in _examples(article, level, form, where, faults)
    ]
    return faults.settle(examples, skip_bad)


def race_folders(data: Path, split: str, levels: Sequence[str] = LEVELS) -> list[tuple[str, Path]]:
    """The folders of a split's levels that are there, by level. Raises as `read_race` does."""
    data = Path(data)
    if split not in SPLITS:
        raise ConfigError(f'RACE has no split "{split}": {nearest(split, SPLITS)}')
    for level in levels:
        if level not in LEVELS:
            raise ConfigError(f'RACE has no level "{level}": {nearest(level, LEVELS)}')
    for root in (data / "RACE", data):
        folders = [(level, root / split / level) for level in LEVELS if level in levels]
        if found := [entry for entry in folders if entry[1].is_dir()]:
            return found
    if not data.is_dir():
        raise DataError(f"{data} is not a folder: name the one that holds RACE/{split}")
    inner = data / "RACE"
    place = inner if inner.is_dir() else data
    names = ", ".join(sorted(path.name for path in place.iterdir())[:_SHOWN_NAMES]) or "nothing"
    wanted = " or ".join(f"{split}/{level}" for level in levels)
    if place == inner or any((data / one).is_dir() for one in SPLITS):
        raise DataError(f"{place} has no folder {wanted}: it contains {names}")
    raise DataError(
        f"{data} has no folder {wanted}, nor has {data / 'RACE'}: name the folder of RACE; "
        f"it contains {names}"
    )


@dataclass(frozen=True)
class _Form:
    """What every question must have."""

    options: int
    labelled: bool


class _Fault(Exception):
    """Why an article or a question cannot be used."""


def _common_options(articles: Sequence[dict[str, Any]]) -> int:
    """How many options most questions have; 0 where none has a number of them that can be."""
    lists = [options for a in articles if isinstance(options := a.get("options"), list)]
    counts = Counter(len(one) for options in lists for one in options if isinstance(one, list))
    usable = {n: count for n, count in counts.items() if LEAST_OPTIONS <= n <= MOST_OPTIONS}
    return max(usable, key=lambda n: usable[n], default=0)


def _articles(folder: Path, faults: Faults) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (place, article) of every file, in the order of the numbers in their names."""
    paths = [folder / _WHOLE]
    if not paths[0].is_file():
        paths = sorted(folder.glob("*.txt"), key=_natural)
    if not paths:
        raise DataError(f"{folder} holds no .txt file: RACE's articles are expected there")
    for path in paths:
        for line, text in _documents(path, faults):
            where = f"{path}, line {line}"
            try:
                row = json.loads(text)
            except json.JSONDecodeError as problem:
                faults.add(where, f"not JSON: {problem.msg} at column {problem.colno}")
            except (RecursionError, ValueError):
                faults.add(where, "not JSON that can be read")
            else:
                if isinstance(row, dict):
                    yield where, row
                else:
                    faults.add(where, "no JSON object with article, questions, options, answers")


def _documents(path: Path, faults: Faults) -> Iterator[tuple[int, str]]:
    """The JSON texts of a file by line: one a line, or one over all lines of an article's file.

    Bytes that are no text spoil one article, or all of a whole split, which nothing can skip.
    """
    try:
        lines = [(number, line) for number, line in read_lines(path) if line.strip()]
    except DataError as problem:
        if path.name == _WHOLE:
            raise
        faults.add("", str(problem))
        return iter(())
    if not lines:
        faults.add(str(path), "the file is empty")
    if path.name != _WHOLE and len(lines) > 1 and not _is_json(lines[0][1]):
        return iter([(lines[0][0], "\n".join(line for _, line in lines))])
    return iter(lines)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (RecursionError, ValueError):
        return False
    return True


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """A key by which 2.txt comes before 10.txt."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _examples(
    article: dict[str, Any], level: str, form: _Form, where: str, faults: Faults
) -> Iterator[ChoiceExample]:
    """The questions of an article that can be used; the others go to the faults."""
    questions = article.get("questions")
    count = len(questions) if isinstance(questions, list) else 0
    try:
        text, rows = _checked(article, count, form)
    except _Fault as fault:
        faults.add(where, str(fault), max(count, 1))
        return
    for number, (question, options, answer) in enumerate(rows, start=1):
        try:
            if not isinstance(question, str):
                raise _Fault("it is no text")
            options, label = _options(options, form), _label(answer, form)
        except _Fault as fault:
            faults.add(f"{where}, question {number}", str(fault))
        else:
            key = replace_surrogates(f"{article.get('id', '')}#{number}")
            yield ChoiceExample(key, text, replace_surrogates(question), options, label, level)


def _checked(
    article: dict[str, Any], count: int, form: _Form
) -> tuple[str, Iterator[tuple[Any, Any, Any]]]:
    """The article's text, and its questions with their options and answers."""
    text = article.get("article")
    if not isinstance(text, str) or not text.strip():
        raise _Fault('no text "article"')
    if not count:
        raise _Fault("the article has no questions")
    given = {"answers": [None] * count} if not form.labelled else {}
    lists = [{**given, **article}.get(name) for name in ("questions", "options", "answers")]
    for name, values in zip(("options", "answers"), lists[1:], strict=True):
        if not isinstance(values, list) or len(values) != count:
            found = len(values) if isinstance(values, list) else "no list"
            raise _Fault(f'{count} questions need as many "{name}": there are {found}')
    return replace_surrogates(text), zip(*lists, strict=True)


def _options(options: Any, form: _Form) -> tuple[str, ...]:
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise _Fault("its options are not a list of texts")
    if not form.options:
        raise _Fault(f"it has {len(options)} options where 2 to {MOST_OPTIONS} are expected")
    if len(options) != form.options:
        raise _Fault(f"it has {len(options)} options where the others have {form.options}")
    return tuple(map(replace_surrogates, options))


def _label(answer: Any, form: _Form) -> int | None:
    if answer is None and not form.labelled:
        return None
    letters = list(LETTERS[: form.options])
    if answer not in letters:
        raise _Fault(f"its answer is {answer!r}, not one of {', '.join(letters)}")
    return letters.index(answer)
