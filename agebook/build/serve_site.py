"""The built site on an address of this machine, for pages that fetch files: a browser refuses that to file://."""

import functools
import sys
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

#: Kinds of files that not every system's table has right: a browser compiles and runs only what is named so.
KINDS = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".onnx": "application/octet-stream",
    ".wasm": "application/wasm",
}


class Pages(SimpleHTTPRequestHandler):
    """Hands out files of one folder, and says nothing of each."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | KINDS

    def do_GET(self):
        """A file; nothing where a browser asks for an icon unbidden, which is no error."""
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def send_error(self, code, message=None, explain=None):
        """Where there is no page, the site's own page for that, if it has one."""
        page = Path(self.directory, "404.html")
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        content = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def end_headers(self):
        """Let the browser ask whether a file has changed before it shows an older one."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format, *arguments):
        """Nothing: a page of pictures would be a page of log."""


class Server(ThreadingHTTPServer):
    """Serves several files at a time."""

    def handle_error(self, request, client_address):
        """Say what went wrong, but for a reader who left before the file was whole."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def open_server(folder, port: int = 0) -> Server:
    """A server of a site, on this machine alone; ``serve_forever`` runs it.

    Parameters
    ----------
    folder : path
        With the page ``index.html``.
    port : int
        0: any that is free; the server's ``server_address`` says which.

    Raises
    ------
    FileNotFoundError
        If there is no site in the folder.
    OSError
        If the port is taken.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "index.html").write_text("<h1>A book</h1>")
    >>> with open_server(folder) as server:
    ...     server.server_address[0]
    '127.0.0.1'
    """
    folder = Path(folder)
    if not (folder / "index.html").is_file():
        raise FileNotFoundError(f"{folder} holds no site; `make book` builds it")
    try:
        return Server(("127.0.0.1", port), functools.partial(Pages, directory=str(folder)))
    except OSError as error:
        raise OSError(f"port {port} of this machine: {error.strerror}; choose another with --port") from None


def serve(folder, port: int = 8000) -> int:
    """Serve a site until the reader presses Ctrl-C; returns 0."""
    with open_server(folder, port) as server:
        print(f"the book: http://127.0.0.1:{server.server_address[1]}/  (Ctrl-C ends)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0
