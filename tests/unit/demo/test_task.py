import pytest

from litebert.demo.source import Module
from litebert.demo.task import CLASSES, TaskSize, make_task, mask_names
from litebert.foundation.errors import DataError

SIZE = TaskSize(labels=6, validation=3, test=8, fewest_words=5, of_a_module=2)


def library(package: str, modules: int, paragraphs: int = 4) -> list[Module]:
    return [
        Module(
            package,
            f"{package}.module{m}",
            tuple(
                f"The {package} text number {p} of module {m} is this." for p in range(paragraphs)
            ),
        )
        for m in range(modules)
    ]


@pytest.fixture
def modules() -> list[Module]:
    few = library("pydantic", modules=3)
    other = library("fsspec", modules=5)
    return library("torch", 30) + library("numpy", 30) + few + other


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Call numpy.linalg.norm or np.abs here.", "Call library.linalg.norm or library.abs here."),
        ("PyTorch and TORCH, from_numpy too.", "library and library, from_library too."),
        ("A NetworkX graph, nx.Graph", "A library graph, library.Graph"),
        ("The input, a pipeline of torches.", "The input, a pipeline of torches."),
        ("matplotlib.pyplot as plt", "library.library as library"),
    ],
)
def test_names_and_aliases_are_masked_as_whole_words(text, masked):
    assert mask_names(text) == masked


def test_every_class_masks_its_own_names():
    for packages, names in CLASSES.values():
        assert packages
        assert all(mask_names(f"of {name.upper()}.") == "of library." for name in names)


def test_no_module_is_on_both_sides(modules):
    task = make_task(modules, SIZE)
    tested = {example.module for example in task.test}
    assert not tested & {example.module for example in (*task.train, *task.validation)}
    assert not tested & {module.name for module in task.pretraining}


def test_each_library_gives_as_many_examples(modules):
    task = make_task(modules, SIZE)
    assert task.labels == ("numpy", "torch")
    for label in task.labels:
        for split, count in ((task.train, 6), (task.validation, 3), (task.test, 8)):
            assert sum(example.library == label for example in split) == count


def test_no_text_is_on_both_sides_whatever_its_case_and_names(modules):
    shouted = tuple(
        text.upper().replace("TORCH", "PyTorch") for m in modules for text in m.paragraphs
    )
    task = make_task([*modules, Module("python", "copycat", shouted)], SIZE)

    def keys(texts):
        return {mask_names(text).lower() for text in texts}

    tested = keys(example.text for example in task.test)
    assert not tested & keys(example.text for example in (*task.train, *task.validation))
    assert not tested & keys(text for module in task.pretraining for text in module.paragraphs)


def test_the_draw_is_a_function_of_the_seed(modules):
    assert make_task(modules, SIZE, seed=1) == make_task(modules, SIZE, seed=1)
    assert make_task(modules, SIZE, seed=1) != make_task(modules, SIZE, seed=2)


def test_one_library_alone_is_no_task():
    with pytest.raises(DataError, match="two libraries"):
        make_task(library("torch", 30), SIZE)
