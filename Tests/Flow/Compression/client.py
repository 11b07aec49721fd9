"""A client of compressed responses, by httpx, that decodes them part by part.

    client.py VERSION CODING URL [COUNT]

VERSION is 1 or 2, of HTTP in the clear, or `2s` with TLS that is not verified; CODING is gzip, br
or zstd, which is all that it accepts. Without COUNT it writes the version, Content-Encoding and
what came to, in bytes and as SHA-256. With COUNT it writes each decoded part as it comes, and
leaves once there are so many bytes.
"""

import hashlib
import sys
import zlib

import brotli
import httpx
import zstandard


def decoder(coding):
    if coding == "gzip":
        one = zlib.decompressobj(31)
        return one.decompress, lambda: one.eof
    if coding == "br":
        one = brotli.Decompressor()
        return one.process, one.is_finished
    if coding == "zstd":
        one = zstandard.ZstdDecompressor().decompressobj()
        # It refuses what follows the end, so that the end shows.
        return one.decompress, lambda: one.unused_data == b""
    return lambda part: part, lambda: True


def main(version, coding, url, count=None):
    options = {"http1": version == "1", "http2": version != "1", "verify": False, "timeout": 20}
    fields = {"Accept-Encoding": coding}
    with httpx.Client(**options) as client, client.stream("GET", url, headers=fields) as answer:
        named = answer.headers.get("content-encoding", "-")
        decode, is_whole = decoder(named)
        text = b""
        for part in answer.iter_raw():
            piece = decode(part)
            text += piece
            if count is not None:
                sys.stdout.write(piece.decode())
                sys.stdout.flush()
                if len(text) >= int(count):
                    return
        if not is_whole():
            raise SystemExit("the coding has no end")
        digest = hashlib.sha256(text).hexdigest()
        print(answer.http_version, named, len(text), digest)


main(*sys.argv[1:])
