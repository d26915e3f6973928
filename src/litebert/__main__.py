"""python -m litebert, the same as the litebert command."""

from litebert.cli.main import run

if __name__ == "__main__":
    run()
