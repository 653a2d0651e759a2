"""Carries bytes from one address to another, as `ssh -L` does: python relay.py FROM TO.

An address is a port of 127.0.0.1 or the path of a Unix socket, which two network namespaces can share.
"""

import asyncio
import sys


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


async def relay(source, target):
    """Every connection to `source` goes on to `target`."""

    async def answer(reader, writer):
        try:
            far = asyncio.open_connection("127.0.0.1", target) if target.isdigit() else _unix(target)
            far_reader, far_writer = await far
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    starting = asyncio.start_server(answer, "127.0.0.1", source) if source.isdigit() else _unix_server(answer, source)
    async with await starting as server:
        await server.serve_forever()


def _unix(path):
    return asyncio.open_unix_connection(path)


def _unix_server(answer, path):
    return asyncio.start_unix_server(answer, path)


asyncio.run(relay(*sys.argv[1:]))
