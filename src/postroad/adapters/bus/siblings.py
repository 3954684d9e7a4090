"""The bus of a worker: what happens here is told to the others, and what they tell is heard.

What happens in one turn of the loop goes out in one datagram. One that finds no room is dropped;
a number on the board tells the receiver that it missed something, and it then wakes everybody.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

import msgspec

from postroad.adapters.bus.channels import MAX_DATAGRAM, Channels
from postroad.adapters.bus.local import LocalBus
from postroad.adapters.shared.board import Board
from postroad.model.ids import AccountId

log = logging.getLogger(__name__)

_MOST_NEWS = 1000  # of one datagram


class News(msgspec.Struct, array_like=True):
    """What a worker tells the others; in the order of how often it is needed."""

    changed: dict[int, int] = {}  # accounts, and how often each
    queue: bool = False
    other: list[tuple[str, list[str | int]]] = []  # msgspec copies it


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(News)
Hear = Callable[[list[str | int]], None]


class SiblingBus(LocalBus):
    """Of worker `number`; begins to hear with `open`, which needs a running loop."""

    def __init__(self, number: int, channels: Channels, board: Board) -> None:
        super().__init__()
        self._number = number
        self._channels = channels
        self._board = board
        self._others = [n for n in range(len(board.parts)) if n != number]
        self._news: News | None = None  # gathered in this turn of the loop
        self._changed: Counter[int] = Counter()
        self._hears: dict[str, Hear] = {}
        self._missed = self._count_missed()

    def open(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._channels.reader(self._number), self._receive)

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._channels.reader(self._number))
        self._flush()

    def announce(self, account: AccountId) -> None:
        self._gathered()
        self._changed[account] += 1
        super().announce(account)

    def share_queue(self) -> None:
        self._gathered().queue = True
        super().share_queue()

    def tell(self, topic: str, *values: str | int) -> None:
        """Have the others' `hear` of this topic called, not our own."""
        news = self._gathered()
        news.other.append((topic, list(values)))
        if len(news.other) >= _MOST_NEWS:
            self._flush()

    def hear(self, topic: str, call: Hear) -> None:
        self._hears[topic] = call

    def has_missed(self) -> bool:
        before, self._missed = self._missed, self._count_missed()
        return super().has_missed() or self._missed != before

    # Telling

    def _gathered(self) -> News:
        if self._news is None:
            self._news = News()
            asyncio.get_running_loop().call_soon(self._flush)
        return self._news

    def _flush(self) -> None:
        news, self._news = self._news, None
        if news is None:
            return
        changed, self._changed = list(self._changed.items()), Counter()
        for start in range(0, len(changed), _MOST_NEWS):
            self._send(News(changed=dict(changed[start : start + _MOST_NEWS])))
        if news.queue or news.other:
            self._send(news)

    def _send(self, news: News) -> None:
        octets = _encoder.encode(news)
        for number in self._others:
            if len(octets) > MAX_DATAGRAM or not self._channels.send(number, octets):
                self._board.parts[self._number].add(f"missed.{number}")

    def _count_missed(self) -> int:
        return self._board.total(f"missed.{self._number}")

    # Hearing

    def _receive(self) -> None:
        while (octets := self._channels.receive(self._number)) is not None:
            try:
                news = _decoder.decode(octets)
            except msgspec.DecodeError:
                log.exception("a worker told what cannot be understood")
                continue
            for account, times in news.changed.items():
                self._announced(AccountId(account), min(times, _MOST_NEWS))
            if news.queue:
                self.wake_queue()
            for topic, values in news.other:
                if (call := self._hears.get(topic)) is not None:
                    call(values)
