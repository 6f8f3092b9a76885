"""A connection is ended at once, and once more without harm."""

import asyncio

from skywarden.service.cutoff import cut_off


def test_a_tls_connection_that_has_ended_is_ended_again_without_harm() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        transport, _ = await loop.create_connection(asyncio.Protocol, host, port)
        inside = asyncio.sslproto._SSLProtocolTransport(loop, None)  # as Python leaves it once the connection is lost
        for one in (transport, inside, transport, inside):
            cut_off(one)
        assert transport.is_closing()
        server.close()
        await server.wait_closed()

    asyncio.run(run())
