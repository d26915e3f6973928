"""The litebert command, also as python -m litebert."""

import sys


def run() -> None:
    """Run the command line; Ctrl-C gets its one line also while the program is still loading."""
    try:
        from litebert.cli.main import run as run_command

        run_command()
    except KeyboardInterrupt:
        print("litebert: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    run()
