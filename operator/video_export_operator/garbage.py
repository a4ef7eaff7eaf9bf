"""Keeps the pauses of Python's garbage collector short.

A thousand resources are half a million objects that stay. To look through all of them for cycles takes 0.2 s, in which
nothing else happens, and Python would do that every few seconds. So what has survived is set aside, and looked at once
in a long while.
"""

import asyncio
import gc
import itertools

TEND = 30.0
"""Seconds between two looks at what is new; what survives one is set aside."""
WHOLE = 20
"""Looks after which everything is looked at once, what was set aside too: cycles in there are freed then."""


async def keep_pauses_short() -> None:
    """Tend what survives until cancelled."""
    for look in itertools.count():
        if look % WHOLE == 0:
            gc.unfreeze()
        gc.collect()
        gc.freeze()
        await asyncio.sleep(TEND)
