"""litebert runs: runs side by side, as a page, live, or in a few lines."""

import threading
from pathlib import Path
from typing import Literal

from litebert.cli.tables import print_rows
from litebert.foundation.progress import console
from litebert.report.page import write_report
from litebert.runs.folder import find_runs, open_runs
from litebert.runs.live import HOST, LivePage, serving
from litebert.runs.page import count_words, overview, page_of


def runs(
    *folders: Path,
    output: Path | None = None,
    over: Literal["steps", "tokens", "minutes"] = "steps",
    live: bool = False,
    port: int | None = None,
    host: str = HOST,
) -> None:
    """Compare runs of litebert pretrain and finetune, finished or going on.

    Prints where each run stands; --output writes a page with all curves over each other and the
    settings that differ; --live serves that page until Ctrl-C.

    Args:
        folders: Run folders, or folders that hold some.
        output: Page to write (.html).
        over: What the curves run over.
        live: Serve the page, and build it anew as the runs go on.
        port: Port of the live page; by default 8765, or another where that is not free.
        host: Address to serve at; by default this machine alone can see it, 0.0.0.0 shows it to
            the network.
    """
    chosen = find_runs(folders)
    if live:
        _serve(LivePage(chosen, over), port, host)
        return
    if output is not None:
        write_report(output, *page_of(chosen, over))
        console().print(f"{output} shows {count_words(len(chosen))}", markup=False)
    print_rows(*overview(open_runs(chosen)))


def _serve(page: LivePage, port: int | None, host: str) -> None:
    with serving(page, port, host) as address:
        console().print(f"the page is at {address} until Ctrl-C", markup=False)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return
