"""A server that works for a client is patient with it; one that waits for it is not."""

from server.test_connection import World, settle, world

__all__ = ["world"]


async def test_a_long_command_is_no_silence(world: World) -> None:
    world.echo.hold.clear()
    world.connection.data_received(b"search")
    await settle()
    world.connection.check(world.now + 10_000)
    assert not world.pipe.is_closed
    world.echo.hold.set()
    await settle()
    assert world.pipe.written == b"hello search"


async def test_a_long_command_may_outlast_the_longest_life(world: World) -> None:
    world.echo.lifetime = 10
    world.echo.hold.clear()
    world.connection.data_received(b"the end of a message")
    await settle()
    world.connection.check(world.now + 50)
    assert not world.pipe.is_closed
    world.echo.hold.set()
    await settle()
    world.connection.check(world.now + 50)
    assert world.pipe.written.endswith(b"the end of a messagetoo slow")
    assert world.pipe.is_closed


async def test_the_last_words_do_not_land_in_an_answer(world: World) -> None:
    world.echo.hold.clear()
    world.connection.data_received(b"fetch")
    await settle()
    world.connection.disconnect()
    assert world.pipe.is_aborted
    assert world.pipe.written == b"hello "
