"""A receiver of webhooks on loopback, which keeps the messages whose signature is right."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver:
    """Listens from its making on, on a free port."""

    def __init__(self) -> None:
        self.secret: str | None = None
        """Of the endpoint; messages before it is known are answered with 503, and so sent again."""
        self.jobs: dict[str, set[str]] = {}
        """The ids of the jobs whose ends were told, each with the ids of the messages."""
        self.refused = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, body: bytes, headers: dict[str, str]) -> int:
        """Keeps a message; the status of the answer."""
        if self.secret is None:
            return 503
        try:
            Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            self.refused += 1
            return 400
        self.jobs.setdefault(json.loads(body)["data"]["id"], set()).add(headers["webhook-id"])
        return 200

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(take(body, {name.lower(): value for name, value in self.headers.items()}))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        return Handler
