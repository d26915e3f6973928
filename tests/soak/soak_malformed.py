"""Damaged files of every format of weights, a thousand a case (R9)."""

from pathlib import Path

import pytest

from malformed import FORMATS


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of pickles that are none
@pytest.mark.cases(ci=1, nightly=100)
def test_damage_is_a_typed_error_or_a_whole_model(case: int, tmp_path: Path) -> None:
    for number, malformed in enumerate(FORMATS):
        (tmp_path / f"{number}").mkdir()
        malformed.check(seed=case + 1, place=tmp_path / f"{number}")
