"""A cart: what it keeps of a visitor is in coatcheck's session. Standard library only.

PORT=3000 SESSION_API=http://127.0.0.1:9092 python3 cart.py
"""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API = os.environ.get("SESSION_API", "http://127.0.0.1:9092")


class Session:
    """The session of one request."""

    def __init__(self, token):
        self.token = token

    def call(self, method, name, value=None, headers=None):
        request = urllib.request.Request(
            API + "/session/" + urllib.parse.quote(name, safe=""),
            data=None if value is None else json.dumps(value).encode(),
            method=method,
            headers={"Authorization": "Bearer " + self.token, "Content-Type": "application/json", **(headers or {})},
        )
        return urllib.request.urlopen(request, timeout=10)

    def get(self, name, default=None):
        """The value and its entity tag."""
        try:
            with self.call("GET", name) as answer:
                return json.load(answer), answer.headers["ETag"]
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return default, None

    def update(self, name, change, default=None):
        """Sets name to change(value); again, if another request was faster."""
        while True:
            value, tag = self.get(name, default)
            condition = {"If-Match": tag} if tag else {"If-None-Match": "*"}
            try:
                return self.call("PUT", name, change(value), condition).close()
            except urllib.error.HTTPError as error:
                if error.code != 412:
                    raise


class Cart(BaseHTTPRequestHandler):
    def session(self):
        return Session(self.headers["X-Session-Token"])

    def do_GET(self):
        cart, _ = self.session().get("cart", [])
        text = "user: %s\ncart: %s\n" % (self.headers.get("Remote-User", "-"), json.dumps(cart))
        self.answer(200, text)

    def do_POST(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.session().update("cart", lambda cart: cart + query["item"], [])
        self.answer(303, "", Location="/")  # written before the answer begins: a new visitor gets the cookie with it

    def answer(self, status, text, **headers):
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Cart).serve_forever()
