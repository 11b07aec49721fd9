"""A server and clients of WebSocket, for tests of what stands between them.

    peer.py server PORT          by `websockets`: sends back each message, says `ready` first
    peer.py http1 URL TEXT...    a client by `websockets`, for the subprotocol `echo`
    peer.py http2 URL TEXT...    a client that asks for it in a stream of HTTP/2 (RFC 8441), by `h2`;
                                 `wss:` without a look at the certificate, `ws:` in the clear

A client sends each text as a message, and writes a line with the one that comes back; then one with
the subprotocol and the code by which the server has answered its close frame. It sends one message
of 300,000 bytes as well, and exits with 1 if that does not come back as it was.
"""

import asyncio
import os
import socket
import ssl
import struct
import sys
import urllib.parse

import h2.config
import h2.connection
import h2.events
import h2.settings
import websockets

LARGE = os.urandom(300_000)


async def serve(port):
    async def echo(socket):
        async for message in socket:
            await socket.send(message)

    async with websockets.serve(echo, "127.0.0.1", port, subprotocols=["echo"]):
        print("ready", flush=True)
        await asyncio.Future()


async def ask_by_http1(url, texts):
    context = None
    if url.startswith("wss:"):
        context = ssl._create_unverified_context()
    async with websockets.connect(url, subprotocols=["echo"], ssl=context) as peer:
        for text in texts:
            await peer.send(text)
            print(await peer.recv())
        await peer.send(LARGE)
        if await peer.recv() != LARGE:
            raise SystemExit("the large message came back as another one")
        await peer.close(1000)
        print(peer.subprotocol, peer.close_code)


class Stream:
    """A WebSocket in the first stream of a connection."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.wire = socket.create_connection((parts.hostname, parts.port))
        self.wire.settimeout(60)
        scheme = "http"
        if parts.scheme == "wss":
            context = ssl._create_unverified_context()
            context.set_alpn_protocols(["h2"])
            self.wire = context.wrap_socket(self.wire, server_hostname=parts.hostname)
            scheme = "https"
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.http.initiate_connection()
        self.head, self.bytes, self.is_over = None, b"", False
        self.flush()
        code = h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL
        while self.http.remote_settings.get(code) != 1:
            self.receive()
        self.http.send_headers(1, [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", scheme),
            (":path", parts.path or "/"), (":authority", parts.netloc),
            ("sec-websocket-version", "13"), ("sec-websocket-protocol", "echo"),
        ])
        self.flush()
        while self.head is None:
            self.receive()

    def flush(self):
        self.wire.sendall(self.http.data_to_send())

    def receive(self):
        came = self.wire.recv(65_536)
        if not came:
            raise SystemExit("the connection has ended")
        for event in self.http.receive_data(came):
            if isinstance(event, h2.events.ResponseReceived):
                self.head = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.bytes += event.data
                self.http.acknowledge_received_data(event.flow_controlled_length, 1)
            elif isinstance(event, h2.events.StreamEnded):
                self.is_over = True
            elif isinstance(event, h2.events.StreamReset):
                # Behind its end a server resets the stream of a client that has not ended it.
                if event.error_code != 0 or not self.is_over:
                    raise SystemExit(f"the stream was reset: {event.error_code}")
        self.flush()

    def take(self, count):
        while len(self.bytes) < count:
            if self.is_over:
                raise SystemExit("the stream has ended within a frame")
            self.receive()
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def send(self, opcode, payload):
        """A whole frame, masked as those of clients are (RFC 6455 section 5.3)."""
        size = len(payload)
        head = bytes([0x80 | opcode])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65_536:
            head += struct.pack(">BH", 0x80 | 126, size)
        else:
            head += struct.pack(">BQ", 0x80 | 127, size)
        mask = os.urandom(4)
        rest = head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        while rest:
            room = min(self.http.local_flow_control_window(1), self.http.max_outbound_frame_size)
            if room == 0:
                self.receive()
                continue
            self.http.send_data(1, rest[:room])
            rest = rest[room:]
            self.flush()

    def message(self):
        """The opcode and the payload of the next frames, up to the last one of a message."""
        opcode, payload, is_last = 0, b"", False
        while not is_last:
            first, size = self.take(2)
            is_last = first & 0x80 != 0
            opcode = opcode or first & 0x0F
            if size == 126:
                size, = struct.unpack(">H", self.take(2))
            elif size == 127:
                size, = struct.unpack(">Q", self.take(8))
            payload += self.take(size)
        return opcode, payload


def ask_by_http2(url, texts):
    stream = Stream(url)
    if stream.head[":status"] != "200":
        raise SystemExit(f"found {stream.head}, expected :status 200")
    for text in texts:
        stream.send(1, text.encode())
        print(stream.message()[1].decode())
    stream.send(2, LARGE)
    if stream.message()[1] != LARGE:
        raise SystemExit("the large message came back as another one")
    stream.send(8, struct.pack(">H", 1000))
    opcode, payload = stream.message()
    code, = struct.unpack(">H", payload[:2])
    print(stream.head.get("sec-websocket-protocol"), code if opcode == 8 else "no close frame")
    while not stream.is_over:
        stream.receive()


if sys.argv[1] == "server":
    asyncio.run(serve(int(sys.argv[2])))
elif sys.argv[1] == "http1":
    asyncio.run(ask_by_http1(sys.argv[2], sys.argv[3:]))
else:
    ask_by_http2(sys.argv[2], sys.argv[3:])
