"""The yardstick of the way out: threads that post the same cards by `requests`, without a database, rules or order.

python -m bench.poster URL CHANNELS EACH THREADS
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter


def main(url: str, channels: int, each: int, threads: int) -> None:
    """Post `each` cards to each of as many paths, turn by turn."""
    adapter, local = HTTPAdapter(pool_maxsize=threads), threading.local()
    raw = b'{"type": "message", "attachments": [{"content": {"text": "' + b"x" * 1_200 + b'"}}]}'

    def post(number: int) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.trust_env = False
            local.session.mount("http://", adapter)
        local.session.post(
            f"{url}/c{number % channels}", data=raw, headers={"Content-Type": "application/json"}
        )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(post, range(channels * each)))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
