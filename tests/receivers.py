"""Real recipients on loopback for tests: a web server that may misbehave, and sockets that take CoT."""

import hmac
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class Web:
    """Takes POSTs. answers: what it does with each: a status, "hang" or "close"; the last one for all that follow."""

    def __init__(self, *answers, tls=None):
        self.answers, self.got, self.open = list(answers) or [204], [], threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if len(body) < int(self.headers["Content-Length"]):
                    return  # who sent it was killed meanwhile: no request
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                outer.got.append((self.headers["Idempotency-Key"], body, dict(self.headers), self.path))
                if answer == "hang":
                    outer.open.wait(20)
                    return
                if answer == "close":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                said = b"as you say" if answer < 300 else b"no\x1b[31m"
                self.send_response(answer)
                self.send_header("Content-Length", str(len(said)))
                if 300 <= answer < 400:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # clients that refuse our certificate are meant to

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def ids(self):
        return [one[0] for one in self.got]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()


def signed(body, key, header):
    return hmac.compare_digest(header, "sha256=" + hmac.new(key, body, "sha256").hexdigest())


class Stream:
    """Takes TCP connections, each to its end."""

    def __init__(self):
        self.listener, self.got = socket.create_server(("127.0.0.1", 0)), []
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                data = b""
                while piece := connection.recv(65536):
                    data += piece
                self.got.append(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
