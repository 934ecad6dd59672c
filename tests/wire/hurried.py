"""The command in a process whose clock runs many times as fast: `python hurried.py TIMES SINCE ARGUMENTS...`.

All processes of a test that are told the same moment `SINCE` agree on what time it is. Waits for an answer take their
own time.
"""

from __future__ import annotations

import sys
import time


def hurry(times: float, since: float) -> None:
    """From now on the time is `since`, and so many times what has passed from then on."""
    now, sleep = time.time, time.sleep
    time.time = lambda: since + (now() - since) * times
    time.sleep = lambda seconds: sleep(seconds / times)


if __name__ == "__main__":
    hurry(float(sys.argv[1]), float(sys.argv[2]))
    del sys.argv[1:3]
    from reconciler.__main__ import main

    main()
