"""A server and a client of gRPC, by grpcio, for tests of what stands between them.

    peer.py server PORT [--name NAME] [--no-health] [--certificate FILE --key FILE]
    peer.py client HOST:PORT [--ca FILE] [--authority NAME] STEP...

The server listens on 127.0.0.1, says `ready` when it serves, and at SIGTERM ends the calls that are
under way before it exits. It speaks HTTP/2 in the clear, or by TLS alone where it has a certificate.
Unless told otherwise it has the health service, grpc.health.v1.Health, whose answer for the whole
server and for `web` is SERVING to begin with.

The client does the steps in turn over one connection, and writes a line for each: the step's first
word, the name of the status, and what came. It exits with 0 whatever the statuses are.

    echo:TEXT                one message there, the same back
    size:BYTES               the same with so many bytes; tells how many came back equal
    down:COUNT:BYTES         one message there, COUNT of BYTES each back
    up:COUNT:BYTES           COUNT messages there, one back with the bytes that came
    chat:COUNT:BYTES         each of COUNT messages is answered before the next is sent
    fail:STATUS:TEXT         the server ends the call with this status, message and a binary detail
    fail-late:STATUS:TEXT    the same after a first message
    sleep:SECONDS:DEADLINE   the server sleeps; the client waits to its deadline, in seconds, or for
                             ever if that is empty. The server tells the deadline that it was given
    metadata:NAME=VALUE      tells which metadata reached the server, and what it sent back before
                             and behind its message
    cancel:COUNT             begins a stream that never ends, takes COUNT messages, and cancels it
    cancelled:COUNT          waits until the server has seen COUNT calls cancelled
    many:COUNT:PARALLEL      COUNT calls, so many at a time; tells how many had which status, and
                             from which server
    health:SERVICE           asks the health service
    set-health:SERVICE:STATUS   has the server answer that from now on; an empty SERVICE is all of it

Messages are bytes: no generated code is needed.
"""

import argparse
import collections
import concurrent.futures
import json
import signal
import sys
import threading
import time

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

SERVICE = "fairlead.test.Peer"
# For steps that ought to end by themselves.
LIMIT = 60
# Proxies of the environment are not part of a test, and large messages are.
OPTIONS = [
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
]


def pattern(size, seed=0):
    """Bytes that differ from place to place, so that a lost or repeated part is seen."""
    block = bytes((seed + index * 7) % 251 for index in range(251))
    return (block * (size // 251 + 1))[:size]


class Peer(grpc.GenericRpcHandler):
    """The test service: a method for each step of the client."""

    def __init__(self, name, health_servicer):
        self.name = name
        self.health = health_servicer
        self.cancelled = 0
        self.changed = threading.Condition()

    def service(self, details):
        prefix = f"/{SERVICE}/"
        if not details.method.startswith(prefix):
            return None
        methods = {
            "Echo": grpc.unary_unary_rpc_method_handler(self.echo),
            "Down": grpc.unary_stream_rpc_method_handler(self.down),
            "Up": grpc.stream_unary_rpc_method_handler(self.up),
            "Chat": grpc.stream_stream_rpc_method_handler(self.chat),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "FailLate": grpc.unary_stream_rpc_method_handler(self.fail_late),
            "Sleep": grpc.unary_unary_rpc_method_handler(self.sleep),
            "Metadata": grpc.unary_unary_rpc_method_handler(self.metadata),
            "Endless": grpc.unary_stream_rpc_method_handler(self.endless),
            "Cancelled": grpc.unary_unary_rpc_method_handler(self.wait_for_cancelled),
            "SetHealth": grpc.unary_unary_rpc_method_handler(self.set_health),
        }
        return methods.get(details.method[len(prefix):])

    def sign(self, context):
        context.set_trailing_metadata([("x-served-by", self.name)])

    def echo(self, request, context):
        self.sign(context)
        return request

    def down(self, request, context):
        self.sign(context)
        count, size = map(int, request.split(b":"))
        for index in range(count):
            yield pattern(size, index)

    def up(self, requests, context):
        self.sign(context)
        sizes = [len(request) for request in requests]
        return f"{len(sizes)} messages, {sum(sizes)} bytes".encode()

    def chat(self, requests, context):
        self.sign(context)
        yield from requests

    def end(self, request, context):
        status, text = request.decode().split(":", 1)
        context.set_trailing_metadata(
            [("x-served-by", self.name), ("detail-bin", b"\x00\xff" + text.encode())])
        context.abort(grpc.StatusCode[status], text)

    def fail(self, request, context):
        self.end(request, context)

    def fail_late(self, request, context):
        yield b"first"
        self.end(request, context)

    def sleep(self, request, context):
        self.sign(context)
        left = context.time_remaining()
        done = threading.Event()
        context.add_callback(done.set)
        done.wait(float(request))
        return b"no deadline" if left is None or left > 1e6 else f"{left:.3f}".encode()

    def metadata(self, request, context):
        context.send_initial_metadata([("x-before", "1"), ("x-before-bin", b"\x00\x01")])
        context.set_trailing_metadata(
            [("x-served-by", self.name), ("x-behind", "2"), ("x-behind-bin", b"\xfe\xff")])
        return json.dumps(plain(context.invocation_metadata())).encode()

    def endless(self, request, context):
        def note():
            with self.changed:
                self.cancelled += 1
                self.changed.notify_all()

        context.add_callback(note)
        index = 0
        while context.is_active():
            yield pattern(1024, index)
            index += 1
            time.sleep(0.001)

    def wait_for_cancelled(self, request, context):
        with self.changed:
            if not self.changed.wait_for(lambda: self.cancelled >= int(request), LIMIT):
                context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"only {self.cancelled}")
            return str(self.cancelled).encode()

    def set_health(self, request, context):
        service, status = request.decode().rsplit(":", 1)
        if self.health is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no health service")
        self.health.set(service, health_pb2.HealthCheckResponse.ServingStatus.Value(status))
        return b""


def plain(metadata):
    """Metadata as pairs of text, in order."""
    return [[key, value.hex() if isinstance(value, bytes) else value] for key, value in metadata]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def serve(arguments):
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(64),
        # Two servers on one port would share its connections, and a test would see half of each.
        options=OPTIONS + [("grpc.so_reuseport", 0)])
    servicer = None
    if not arguments.no_health:
        servicer = health.HealthServicer()
        for service in ("", "web"):
            servicer.set(service, health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_generic_rpc_handlers([Peer(arguments.name, servicer)])
    address = f"127.0.0.1:{arguments.port}"
    if arguments.certificate:
        server.add_secure_port(address, grpc.ssl_server_credentials(
            [(read(arguments.key), read(arguments.certificate))]))
    else:
        server.add_insecure_port(address)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server.start()
    print("ready", flush=True)
    stop.wait()
    server.stop(LIMIT).wait()


class Client:
    """The steps, over one channel."""

    def __init__(self, channel):
        self.channel = channel

    def method(self, kind, name):
        return getattr(self.channel, kind)(f"/{SERVICE}/{name}")

    def one(self, name, request, timeout=LIMIT):
        return self.method("unary_unary", name)(request, timeout=timeout)

    def echo(self, text):
        return self.one("Echo", text.encode()).decode()

    def size(self, size):
        sent = pattern(int(size))
        return f"{len(sent)} bytes" if self.one("Echo", sent) == sent else "other bytes"

    def down(self, count, size):
        got = list(self.method("unary_stream", "Down")(f"{count}:{size}".encode(), timeout=LIMIT))
        return self.compared(got, int(count), int(size))

    def up(self, count, size):
        sent = (pattern(int(size), index) for index in range(int(count)))
        return self.method("stream_unary", "Up")(sent, timeout=LIMIT).decode()

    def chat(self, count, size):
        answered = threading.Semaphore(1)

        def messages():
            for index in range(int(count)):
                answered.acquire()
                yield pattern(int(size), index)

        got = []
        for answer in self.method("stream_stream", "Chat")(messages(), timeout=LIMIT):
            got.append(answer)
            answered.release()
        return self.compared(got, int(count), int(size))

    def compared(self, got, count, size):
        same = got == [pattern(size, index) for index in range(count)]
        return f"{len(got)} messages" + ("" if same else ", not those that were sent")

    def fail(self, status, text):
        return self.one("Fail", f"{status}:{text}".encode())

    def fail_late(self, status, text):
        return list(self.method("unary_stream", "FailLate")(
            f"{status}:{text}".encode(), timeout=LIMIT))

    def sleep(self, seconds, deadline):
        return self.one("Sleep", seconds.encode(), float(deadline) if deadline else None).decode()

    def metadata(self, pair):
        name, value = pair.split("=", 1)
        answer, call = self.method("unary_unary", "Metadata").with_call(
            b"", timeout=LIMIT, metadata=[(name, value), ("x-sent-bin", b"\x00\xfe\xff")])
        return json.dumps({
            "sent": json.loads(answer), "before": plain(call.initial_metadata()),
            "behind": plain(call.trailing_metadata())})

    def cancel(self, count):
        call = self.method("unary_stream", "Endless")(b"", timeout=LIMIT)
        for _ in range(int(count)):
            next(call)
        call.cancel()
        return f"{count} messages"

    def cancelled(self, count):
        return self.one("Cancelled", count.encode()).decode()

    def many(self, count, parallel):
        def call(index):
            sent = pattern(100, index)
            try:
                got, call = self.method("unary_unary", "Echo").with_call(sent, timeout=LIMIT)
            except grpc.RpcError as error:
                return f"{error.code().name} ({error.details()})"
            if got != sent:
                return "other bytes"
            return "OK from " + dict(call.trailing_metadata()).get("x-served-by", "nobody")

        with concurrent.futures.ThreadPoolExecutor(int(parallel)) as pool:
            counts = collections.Counter(pool.map(call, range(int(count))))
        return ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))

    def health(self, service):
        answer = health_pb2_grpc.HealthStub(self.channel).Check(
            health_pb2.HealthCheckRequest(service=service), timeout=LIMIT)
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)

    def set_health(self, service, status):
        return self.one("SetHealth", f"{service}:{status}".encode()).decode()


def ask(arguments):
    options = list(OPTIONS)
    if arguments.authority:
        options.append(("grpc.default_authority", arguments.authority))
        if arguments.ca:
            options.append(("grpc.ssl_target_name_override", arguments.authority))
    if arguments.ca:
        channel = grpc.secure_channel(
            arguments.target, grpc.ssl_channel_credentials(read(arguments.ca)), options)
    else:
        channel = grpc.insecure_channel(arguments.target, options)
    with channel:
        client = Client(channel)
        for step in arguments.step:
            name, rest = step.split(":", 1)
            step = getattr(client, name.replace("-", "_"))
            # The last part may have colons of its own.
            count = step.__code__.co_argcount - 2
            try:
                print(name, "OK", step(*rest.split(":", count)), flush=True)
            except grpc.RpcError as error:
                trailers = json.dumps(plain(error.trailing_metadata() or []))
                print(name, error.code().name, error.details(), trailers, flush=True)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    server = commands.add_parser("server")
    server.add_argument("port", type=int)
    server.add_argument("--name", default="peer")
    server.add_argument("--no-health", action="store_true")
    server.add_argument("--certificate")
    server.add_argument("--key")
    server.set_defaults(run=serve)
    client = commands.add_parser("client")
    client.add_argument("target")
    client.add_argument("--ca")
    client.add_argument("--authority")
    client.add_argument("step", nargs="+")
    client.set_defaults(run=ask)
    arguments = parser.parse_args()
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
