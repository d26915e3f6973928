"""SQuAD 1.1 and 2.0, in their official files and for questions in their form."""

from litebert.tasks.span.windows import Target as Target
from litebert.tasks.span.windows import Window as Window
from litebert.tasks.span.windows import make_windows as make_windows
