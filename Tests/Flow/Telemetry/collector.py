# A collector of traces: reads what is sent by the definitions of OpenTelemetry's protocol, and
# refuses what has a field that they don't have. It writes a line of JSON for each span.
#
#   collector.py PORT [--field NAME:VALUE] [--answer STATUS,STATUS,…] [--certificate FILE]
#
# Each request is answered by the next status, then by the last one for good (200 unless told); a
# request without the field is answered 401. Ids are hexadecimal in this JSON, against the rules of
# protobuf's own: they are checked here, and made base64 for its reader.

import argparse
import base64
import http.server
import json
import ssl

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("--field")
parser.add_argument("--answer", default="200")
parser.add_argument("--certificate")
options = parser.parse_args()
answers = [int(status) for status in options.answer.split(",")]


def say(line):
    print(json.dumps(line), flush=True)


def to_base64(span, key, count):
    if key not in span:
        return
    assert len(span[key]) == 2 * count and span[key] == span[key].lower(), span[key]
    span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()


def value(any_value):
    return getattr(any_value, any_value.WhichOneof("value"))


def read(body):
    document = json.loads(body)
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                to_base64(span, "traceId", 16)
                to_base64(span, "spanId", 8)
                to_base64(span, "parentSpanId", 8)
    request = json_format.ParseDict(document, trace_service_pb2.ExportTraceServiceRequest())
    lines = []
    for resource in request.resource_spans:
        names = {a.key: value(a.value) for a in resource.resource.attributes}
        assert len(names) == len(resource.resource.attributes), resource.resource
        for scope in resource.scope_spans:
            assert scope.scope.name == "fairlead", scope.scope
            for span in scope.spans:
                assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano, span
                attributes = {a.key: value(a.value) for a in span.attributes}
                assert len(attributes) == len(span.attributes), span
                lines.append({
                    "service": names["service.name"],
                    "resource": {key: str(text) for key, text in names.items()},
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(), "parent": span.parent_span_id.hex(),
                    "kind": span.kind, "name": span.name,
                    "attributes": {key: str(text) for key, text in attributes.items()},
                })
    return lines


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = answers.pop(0) if len(answers) > 1 else answers[0]
        if options.field:
            name, _, wanted = options.field.partition(":")
            if self.headers.get(name) != wanted:
                status = 401
        if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/json":
            status = 404
        if status == 200:
            try:
                for line in read(body):
                    say(line)
            except Exception as problem:
                say({"problem": repr(problem), "body": body.decode()})
                status = 400
        else:
            say({"answered": status})
        answer = b"{}" if status == 200 else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Collector)
if options.certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
