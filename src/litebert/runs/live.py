"""The page of runs served while they train: built anew when their records have changed."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from litebert.foundation.errors import ConfigError, LitebertError
from litebert.foundation.progress import console
from litebert.report.history import Axis
from litebert.report.page import Paragraph, Section, render
from litebert.runs.page import page_of
from litebert.training.journal import METRICS
from litebert.training.run_folder import RUN

HOST = "127.0.0.1"  # nobody else's business, unless another is asked for
PORT = 8765  # where none is asked for and it is free
REFRESH = 15  # seconds after which a browser asks again


class LivePage:
    """The page of some run folders as they stand, kept until one of their records changes."""

    def __init__(self, folders: Sequence[Path], axis: Axis = "steps") -> None:
        self._folders = list(folders)
        self._axis = axis
        self._lock = threading.Lock()
        self._stamp: object = None
        self._text = ""

    def text(self) -> str:
        """The page as HTML. Before the first record, and where one is damaged, it says so."""
        with self._lock:
            stamp = self._records()
            if stamp != self._stamp or not self._text:
                self._text, self._stamp = self._built(), stamp
            return self._text

    def _built(self) -> str:
        footer = f"This page asks for news every {REFRESH} seconds."
        try:
            begun = [folder for folder in self._folders if (folder / RUN).is_file()]
            if not begun:
                words = "No run has begun yet: what is asked for is being measured and checked."
                sections = [Section("Waiting", [Paragraph(words, lead=True)])]
                return render("Training", "", sections, footer, REFRESH)
            return render(*page_of(begun, self._axis), footer, REFRESH)
        except LitebertError as error:
            sections = [Section("Not to be read now", [Paragraph(str(error), lead=True)])]
            return render("Training", "", sections, footer, REFRESH)

    def _records(self) -> object:
        """What changes when the records do."""
        stamps = []
        for path in (folder / name for folder in self._folders for name in (RUN, METRICS)):
            try:
                found = path.stat()
            except OSError:
                continue
            stamps.append((path, found.st_mtime_ns, found.st_size))
        return stamps


@contextmanager
def serving(page: LivePage, port: int | None = None, host: str = HOST) -> Iterator[str]:
    """Serve a page from a thread of this process for as long as the block lasts; gives its address.

    Without a port, 8765 is taken, or another where that is not free. Raises ConfigError where the
    address cannot be had.
    """
    server = _bind(_handler(page.text), port, host)
    thread = threading.Thread(target=server.serve_forever, name="live page", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def shown(
    folders: Sequence[Path], live: bool, port: int | None = None, host: str = HOST
) -> Iterator[None]:
    """Serve the page of runs while the block runs, and say where, if it is to be `live`."""
    if not live:
        yield
        return
    with serving(LivePage(folders), port, host) as address:
        console().print(f"the page of the run is at {address}", markup=False)
        yield


class _Server(ThreadingHTTPServer):
    """Binds without asking a name server for its own name."""

    daemon_threads = True

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a reader who goes away is no error
            super().handle_error(request, client_address)


def _bind(handler: type[BaseHTTPRequestHandler], port: int | None, host: str) -> _Server:
    choices = (PORT, 0) if port is None else (port,)
    for choice in choices:
        try:
            return _Server((host, choice), handler)
        except (OSError, OverflowError) as error:
            problem = error
    raise ConfigError(
        f"the live page cannot be served at {host}:{choices[0]} ({problem}): name another --port"
    )


def _handler(text: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    """Answers a request for the page, and no other."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/":
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            body = text().encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Requests are not logged: the terminal belongs to the training."""

    return Handler
