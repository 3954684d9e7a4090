"""Asking for several objects at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from postroad.adapters.s3.naming import locate
from postroad.model.ids import BlobId

A = TypeVar("A")
T = TypeVar("T")

_AT_ONCE = 16


async def filled(
    found: list[T | None],
    missing: Callable[[Sequence[A]], Awaitable[Sequence[T]]],
    items: Sequence[A],
    blob_of: Callable[[A], BlobId],
) -> list[T]:
    """`found`, and in place of each None what `missing` gives for the items of one object."""
    groups: dict[str, list[int]] = {}
    for position, one in enumerate(found):
        if one is None:
            key = locate(blob_of(items[position])).key
            groups.setdefault(key, []).append(position)
    positions = list(groups.values())
    filled = await together(missing, [[items[n] for n in group] for group in positions])
    by_position = {
        n: one
        for group, results in zip(positions, filled, strict=True)
        for n, one in zip(group, results, strict=True)
    }
    return [by_position[n] if one is None else one for n, one in enumerate(found)]


async def together(work: Callable[[A], Awaitable[T]], items: Sequence[A]) -> list[T]:
    """Some at a time, results in the order of the items."""
    if len(items) <= 1:
        return [await work(item) for item in items]
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(item: A) -> T:
        async with limit:
            return await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
