"""A real HTTP server on loopback that misbehaves on request."""

import contextlib
import hashlib
import http.server
import random
import re
import threading

CONTENT = random.Random(7).randbytes(1_500_000)
SUM = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves one file; each attribute is one way to be difficult."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag = CONTENT, '"v1"'
        self.ranges, self.cuts, self.status, self.kind = True, [], [], "application/zip"
        self.requests = []
        self.change_after_first = None
        self.goes_on = threading.Event()  # cleared: half of the body is sent, and the rest when it is set
        self.goes_on.set()

    def handle_error(self, request, client_address):
        """A client that was stopped has hung up."""

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/set.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        server = self.server
        server.requests.append(dict(self.headers))
        if server.change_after_first and len(server.requests) == 2:
            server.content, server.etag = server.change_after_first
        if server.status:
            self.send_error(server.status.pop(0))
            return
        start = self._start()
        if start is not None and start >= len(server.content):
            self.send_error(416)
            return
        self.send_response(200 if start is None else 206)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        if server.etag:
            self.send_header("ETag", server.etag)
        body = server.content[start or 0 :]
        self.send_header("Content-Type", server.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.cuts:
            self.wfile.write(body[: server.cuts.pop(0)])
            self.close_connection = True  # in the middle of the body
        else:
            half = len(body) // 2
            self.wfile.write(body[:half])
            server.goes_on.wait(60)
            self.wfile.write(body[half:])

    def _start(self):
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if not wanted or not self.server.ranges:
            return None
        if self.headers.get("If-Range", self.server.etag) != self.server.etag:
            return None
        return int(wanted[1])


@contextlib.contextmanager
def serve():
    """Run the server while the block runs."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()
