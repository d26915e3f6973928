"""The command line: registers the commands and turns errors into one line and an exit code.

Exit codes: 0 done; 2 a mistake the user can mend; 3 a run that could not go on, because training
diverged or one of its processes was lost; 130 and 143 ended by SIGINT and SIGTERM, after saving
what there is to save.
"""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter, UnusedCliTokensError
from pydantic import BaseModel, ValidationError

from litebert import __version__
from litebert.foundation.errors import LitebertError
from litebert.foundation.progress import console
from litebert.foundation.settings import describe

INTERRUPTED = 130

COMMANDS = {
    "corpus": "litebert.cli.corpus:app",
    "demo": "litebert.cli.demo:demo",
    "evaluate": "litebert.cli.evaluate:evaluate",
    "export": "litebert.cli.exports:app",
    "finetune": "litebert.cli.finetune:finetune",
    "glue": "litebert.cli.glue:glue",
    "grow": "litebert.cli.grow:grow",
    "import": "litebert.cli.imports:app",
    "inspect": "litebert.cli.inspect_folder:app",
    "params": "litebert.cli.params:params",
    "plan": "litebert.cli.plan:plan",
    "predict": "litebert.cli.predict:predict",
    "pretrain": "litebert.cli.pretrain:pretrain",
    "runs": "litebert.cli.runs:runs",
    "vocab": "litebert.cli.vocab:app",
}

app = App(
    name="litebert",
    version=__version__,
    help="ALBERT from raw text to predictions. Each command explains itself with --help.",
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,
    help_epilogue="Any command takes --debug, which shows the traceback of an error.",
)
for _name, _target in COMMANDS.items():
    app.command(_target, name=_name)  # imported when it is called


def run(arguments: Sequence[str] | None = None) -> None:
    """The entry point: run a command and exit with its code.

    SIGTERM unwinds a command as Ctrl-C does, so that nothing half-written is left.
    """
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(main(list(sys.argv[1:] if arguments is None else arguments)))


def main(arguments: list[str]) -> int:
    """Run a command; return its exit code."""
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (LitebertError, CycloptsError, ValidationError) as error:
        if debug:
            raise
        console(error=True).print(f"litebert: {_words(error)}", markup=False, style="red")
        return error.exit_code if isinstance(error, LitebertError) else 2
    except KeyboardInterrupt:
        console().print("litebert: interrupted", markup=False)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.stderr.close()
        return 0
    except OSError as error:  # the machine's refusal, as a full disk behind `> file`
        if debug:
            raise
        where = error.filename or "standard output, or a file in use"
        console().print(f"litebert: {error.strerror or error} ({where})", markup=False, style="red")
        _drop_output()
        return 2


def _drop_output() -> None:
    """Let what standard output refused go, or Python would try once more at its exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # closed, or no file of the system's
        return


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _words(error: Exception) -> str:
    """An error as one line."""
    if isinstance(error, CycloptsError):
        see = f"see {' '.join(['litebert', *(error.command_chain or ())])} --help"
        unused = error.unused_tokens or []
        if isinstance(error, UnusedCliTokensError) and unused:
            return f'unexpected argument "{unused[0]}": {see}'
        misspelt = any(token.startswith("-") for token in unused)
        absent = isinstance(error, MissingArgumentError) and error.keyword is None
        if absent and error.argument is not None and not misspelt:
            return f"{error.argument.name} is not given: {see}"
    cause = error.__cause__ if isinstance(error, CycloptsError) else error
    if isinstance(cause, ValidationError):
        return describe(cause, BaseModel)
    return " ".join(str(error).split())
