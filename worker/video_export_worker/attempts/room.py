"""The memory that attempts share: who asks for more than is left waits, in the order of asking."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Room:
    """Bytes to be shared out.

    Args:
        total: bytes; who asks for more gets all of it, alone.
    """

    def __init__(self, total: int) -> None:
        self._total = self._free = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def free(self) -> int:
        """Bytes that nobody has."""
        return self._free

    def try_take(self, size: int) -> bool:
        """Take so many bytes if they are free and nobody waits for them."""
        size = min(size, self._total)
        if self._waiting or size > self._free:
            return False
        self._free -= size
        return True

    async def take(self, size: int, make_room: Callable[[], bool] = lambda: False) -> None:
        """Take so many bytes as soon as they are free.

        Args:
            size: bytes.
            make_room: is asked to give something back while too little is free; answers False if it has nothing.
        """
        if self.try_take(size):
            return
        size = min(size, self._total)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            while not turn.done() and make_room():
                pass
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(size)
            else:
                self._waiting.remove((size, turn))
                self._let_in()
            raise

    def give_back(self, size: int) -> None:
        """Give back what was taken."""
        self._free += min(size, self._total)
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            size, turn = self._waiting.popleft()
            self._free -= size
            turn.set_result(None)
