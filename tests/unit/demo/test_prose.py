import pytest

from litebert.demo.prose import is_prose, paragraphs

NUMPY_STYLE = """
    Compute the frobnication of an array along an axis.

    The result has the *same* shape as the input; see :func:`~pkg.linalg.unfrob`
    for the way back. More in `the guide <https://example.org/guide>`_ [1]_.

    Parameters
    ----------
    a : array_like
        The input array, which is never changed by this
        function.
    axis, out : int, optional
        Axis along which to work. The default is ``None``,
        which means the flattened array.

    .. note:: This note is worth a line of its own.

    .. math:: y = \\sum_i x_i

        and this belongs to the formula that is left out

    Examples
    --------
    >>> frob([1, 2])
    array([2, 1])

    ======  =========================
    value   what this value stands for
    ======  =========================

    The following is code and not for a reader::

        x = frob(y)
        print(x)

    Back to the text after the code.
"""

GOOGLE_STYLE = """Shows a table of the given rows.

    Args:
        rows (List[Tuple[int, str]], optional): The rows to show, which may be
            any iterable.
        title (str): A title for the table. Defaults to an empty one.
            Use None for none at all.

    Returns:
        Table: The table that was shown to the user.

    ```python
    the code in a fence is not for a reader
    ```
"""


def test_numpy_docstrings_become_sentences():
    assert paragraphs(NUMPY_STYLE) == [
        "Compute the frobnication of an array along an axis.",
        "The result has the same shape as the input; see unfrob for the way back. "
        "More in the guide.",
        "The input array, which is never changed by this function.",
        "Axis along which to work. The default is None, which means the flattened array.",
        "This note is worth a line of its own.",
        "The following is code and not for a reader:",
        "Back to the text after the code.",
    ]


def test_google_docstrings_become_sentences():
    assert paragraphs(GOOGLE_STYLE) == [
        "Shows a table of the given rows.",
        "The rows to show, which may be any iterable.",
        "A title for the table. Defaults to an empty one. Use None for none at all.",
        "The table that was shown to the user.",
    ]


def test_sphinx_fields_and_list_items_stand_alone():
    text = """Opens the file that is named.

    - The first item is a sentence of its own.
    - The second item goes on
      in a second line.

    :param name: The name of the file to open.
    :returns: A file that is open for reading.
    """
    assert paragraphs(text) == [
        "Opens the file that is named.",
        "The first item is a sentence of its own.",
        "The second item goes on in a second line.",
        "The name of the file to open.",
        "A file that is open for reading.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "frob(x: int, y: int = 3, *, out: Tensor) -> Tensor",
        "See also below.",
        "x_1 + y_2 = z_3 for_all n_4 in N_5",
        "value  offset  0x10  0x20  0x30  0x40 the",
        "Alpha beta gamma delta epsilon zeta eta theta",
        "= and this is a line that begins with a mark",
        "The words " * 400,
    ],
)
def test_code_formulas_and_lists_are_not_prose(text):
    assert not is_prose(text)


def test_an_empty_docstring_has_no_paragraphs():
    assert paragraphs("") == []
    assert paragraphs("\n\n   \n") == []
