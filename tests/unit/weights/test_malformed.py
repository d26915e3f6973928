"""A thousand damaged files of every format: each a typed error within a second, or a whole model.

Nothing is executed, nothing else is written, and memory does not grow beyond the files' own size.
"""

from pathlib import Path

import pytest

from malformed import FORMATS, Malformed


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of pickles that are none
@pytest.mark.parametrize("malformed", FORMATS, ids=[one.title for one in FORMATS])
def test_damage_is_a_typed_error_or_a_whole_model(malformed: Malformed, tmp_path: Path) -> None:
    malformed.check(seed=0, place=tmp_path)


def test_there_are_a_thousand_of_them() -> None:
    assert sum(one.count for one in FORMATS) == 1000
