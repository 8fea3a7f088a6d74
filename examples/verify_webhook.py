#!/usr/bin/env python3
"""Receives nsecBunker's webhook and checks its signature. Standard library only.

    WEBHOOK_SECRET=… python3 verify_webhook.py 8080     listens on 127.0.0.1
    WEBHOOK_SECRET=… python3 verify_webhook.py --check "$SIGNATURE" < body

The secret is what `nsecbunker notify add NAME webhook URL` shows once. Put TLS before it.
"""
import hashlib, hmac, http.server, json, os, sys, time

TOLERANCE = 300  # seconds: an older message is a replay
MAX_BODY = 64 << 10


def verify(secret: bytes, header: str, body: bytes, now: float) -> bool:
    """header is Nsecbunker-Signature: t=<unix seconds>,v1=<hex>."""
    fields = dict(part.partition("=")[::2] for part in header.split(","))
    stamp = fields.get("t", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return False
    want = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(want, fields.get("v1", "")) and abs(now - int(stamp)) <= TOLERANCE


class Hook(http.server.BaseHTTPRequestHandler):
    seen: dict = {}  # ids: a message that is sent again has the same one

    def do_POST(self):
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 < length <= MAX_BODY:
            return self.send_error(413)
        body = self.rfile.read(length)
        if not verify(SECRET, self.headers.get("Nsecbunker-Signature", ""), body, time.time()):
            return self.send_error(403, "the signature is wrong, or too old")
        message = json.loads(body)
        if message["id"] not in Hook.seen:
            Hook.seen[message["id"]] = True
            print(message["time"], message["title"], "-", message["text"], flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    SECRET = os.environ["WEBHOOK_SECRET"].encode()
    if sys.argv[1] == "--check":
        good = verify(SECRET, sys.argv[2], sys.stdin.buffer.read(), time.time())
        print("right" if good else "wrong")
        sys.exit(0 if good else 1)
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Hook).serve_forever()
