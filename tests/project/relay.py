"""Carries bytes from one address to another, as `ssh -L` does: python relay.py FROM TO [PREFIX PEM].

An address is a port of 127.0.0.1 or the path of a Unix socket, which two network namespaces can share. With a prefix it
is a reverse proxy of HTTPS that has the other end at this path: what is asked for elsewhere is not there. PEM is the
file of its key and certificate.
"""

import asyncio
import ssl
import sys
from functools import partial


async def carry(reader, writer):
    """From one end to the other until either is gone."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def carry_head(reader, writer, prefix):
    """The head of a request without the prefix, the only one of its connection; ConnectionError for a wrong path."""
    first, *headers = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    method, path, version = first.split(b" ")
    if not path.startswith(prefix + b"/"):
        raise ConnectionError(path)
    kept = [header for header in headers if not header.lower().startswith(b"connection:")]
    writer.write(b"\r\n".join([b" ".join([method, path[len(prefix) :], version]), b"Connection: close", *kept]))


async def relay(source, target, prefix="", pem=None):
    """Every connection to `source` goes on to `target`."""

    async def answer(reader, writer):
        try:
            far = asyncio.open_connection("127.0.0.1", target) if target.isdigit() else _unix(target)
            far_reader, far_writer = await far
            if prefix:
                await carry_head(reader, far_writer, prefix.encode())
        except (OSError, EOFError):
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n" if prefix else b"")
            writer.close()
            return
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if pem else None
    if context:
        context.load_cert_chain(pem)
    at_port = partial(asyncio.start_server, answer, "127.0.0.1", ssl=context)
    starting = at_port(source) if source.isdigit() else _unix_server(answer, source)
    async with await starting as server:
        await server.serve_forever()


def _unix(path):
    return asyncio.open_unix_connection(path)


def _unix_server(answer, path):
    return asyncio.start_unix_server(answer, path)


asyncio.run(relay(*sys.argv[1:]))
