"""A server that speaks TLS by Python's ssl, for tests of clients. Ends with its standard input.

In the mode `http` each answer says what the server saw: whether the session was resumed, which
version, which name was asked for, whose certificate was shown, which PROXY header came. GET /bytes/N
gives N bytes; an upgrade, and the mode `echo`, send back what comes; `greet` speaks first; `pass`
has each connection go on without TLS to a server elsewhere.
"""

import argparse
import os
import select
import socket
import ssl
import sys
import threading

options = argparse.ArgumentParser()
options.add_argument("--cert", required=True)
options.add_argument("--key", required=True)
options.add_argument("--port-file", required=True)
options.add_argument("--mode", choices=["http", "echo", "greet", "pass"], default="http")
options.add_argument("--port", type=int, default=0, help="where to listen; 0: on any port")
options.add_argument("--to", help="HOST:PORT where connections go on in the mode `pass`")
options.add_argument("--seen", help="a file that gets a line for each connection in that mode")
options.add_argument("--client-ca", help="clients have to show a certificate of this authority")
options.add_argument("--max", choices=["1.2", "1.3"], default="1.3")
options.add_argument("--requests", type=int, default=0, help="then the connection ends; 0: never")
options.add_argument("--rude", action="store_true", help="connections end without close_notify")
options.add_argument("--proxy", action="store_true", help="a PROXY header comes first")
options.add_argument("--mute", action="store_true", help="the handshake is never answered")
options = options.parse_args()

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(options.cert, options.key)
if options.max == "1.2":
    context.maximum_version = ssl.TLSVersion.TLSv1_2
if options.client_ca:
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(options.client_ca)
names = {}


def remember(stream, name, _):
    names[id(stream)] = name


context.sni_callback = remember


def read_line(plain):
    line = b""
    while not line.endswith(b"\n"):
        byte = plain.recv(1)
        if not byte:
            break
        line += byte
    return line.decode().strip()


def serve(plain):
    header = read_line(plain) if options.proxy else "none"
    if options.mute:
        plain.recv(1 << 16)
        threading.Event().wait()
    stream = context.wrap_socket(plain, server_side=True)
    if options.mode == "http":
        serve_http(stream, header)
    elif options.mode == "pass":
        pass_on(stream)
    else:
        if options.mode == "greet":
            stream.sendall(b"hello\n")
        echo(stream)
    if options.rude:
        plain = socket.socket(fileno=stream.detach())
        plain.close()
    else:
        stream.unwrap().close()


def echo(stream):
    while data := stream.recv(1 << 16):
        stream.sendall(data)


def pass_on(stream):
    with open(options.seen, "a") as file:
        file.write(
            f"resumed={str(stream.session_reused).lower()} version={stream.version()}"
            f" name={names.get(id(stream))} client={subject_of(stream) or None}\n"
        )
    host, port = options.to.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as other:
        while True:
            ready = [stream] if stream.pending() else select.select([stream, other], [], [])[0]
            for end in ready:
                data = end.recv(1 << 16)
                if not data:
                    return
                (other if end is stream else stream).sendall(data)


def subject_of(stream):
    shown = stream.getpeercert() or {}
    return "".join(value for part in shown.get("subject", ()) for _, value in part)


def serve_http(stream, header):
    reader = stream.makefile("rb")
    subject = subject_of(stream)
    count = 0
    while line := reader.readline():
        method, path, _ = line.decode().split()
        fields = {}
        while (field := reader.readline().strip()):
            name, value = field.decode().split(":", 1)
            fields[name.lower()] = value.strip()
        body = reader.read(int(fields.get("content-length", 0)))
        count += 1
        if "upgrade" in fields:
            stream.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
            )
            return echo(stream)
        if path.startswith("/bytes/"):
            answer = b"x" * int(path.split("/")[2])
        elif method == "POST":
            answer = body
        else:
            seen = {
                "resumed": str(stream.session_reused).lower(),
                "version": stream.version(),
                "name": names.get(id(stream)),
                "protocol": stream.selected_alpn_protocol(),
                "client": subject or None,
                "proxy": header,
                "request": count,
            }
            answer = " ".join(f"{key}={value}" for key, value in seen.items()).encode()
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
        if count == options.requests:
            return


def guarded(plain):
    try:
        serve(plain)
    except (OSError, ValueError):
        plain.close()


def accept():
    while True:
        threading.Thread(target=guarded, args=listener.accept()[:1], daemon=True).start()


context.set_alpn_protocols(["http/1.1"])
listener = socket.create_server(("127.0.0.1", options.port), backlog=128)
with open(options.port_file + ".new", "w") as file:
    file.write(str(listener.getsockname()[1]))
os.rename(options.port_file + ".new", options.port_file)
threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
