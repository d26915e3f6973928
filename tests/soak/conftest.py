"""Faults in numbers: `make soak` takes the counts of the integration, `make soak-nightly` more."""

from pathlib import Path

import pytest

from interrupted import Whole, left_alone
from small_runs import stories_corpus


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--count", choices=("ci", "nightly"), default="ci", help="how many cases of each fault"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cases(ci, nightly): run with `case` 0 … count - 1")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("cases")
    if marker is not None:
        count: int = marker.kwargs[metafunc.config.getoption("--count")]
        metafunc.parametrize("case", range(count))


@pytest.fixture(scope="session")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder of small stories."""
    return stories_corpus(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="session")
def whole(stories: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A run that was left alone."""
    return left_alone(stories, tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="session")
def whole_without_dropout(stories: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The same without dropout, which depends on the number of processes."""
    return left_alone(stories, tmp_path_factory.mktemp("plain") / "run", dropout=False)


@pytest.fixture(scope="session")
def whole_of_two(stories: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The same in two processes."""
    return left_alone(stories, tmp_path_factory.mktemp("two") / "run", processes=2)
