"""docs/weights.md shows the tables that the code reads."""

from weights_page import PAGE, page


def test_the_tables_of_names_are_up_to_date() -> None:
    text = PAGE.read_text("utf-8")
    assert page(text) == text, "run .venv/bin/python tests/weights_page.py"
