"""Runs scenarios and prints their figures; `--json FILE` also writes them.

python -m bench [--servers] [SCENARIO ...]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench import endurance, growth, lists, rates
from bench.place import Place, fresh

Scenario = Callable[[Place], Awaitable[dict[str, float]]]
SCENARIOS: dict[str, tuple[str, Scenario]] = {
    "ingest": ("POST /hooks, 11 KB signed, 32 connections", rates.ingest),
    "latency": ("post to arrival, 20 events/s", rates.latency),
    "out": ("1,000 URLs, a Teams that answers after 200 ms", rates.out),
    "paced": ("200 URLs limited to 4/s each (800/s possible)", rates.paced),
    "sustained": ("12,000 events at once through everything, 600 channels", rates.sustained),
    "growth": ("a million events beside ten thousand: ratios of the costs", growth.growth),
    "kill": ("5,000 events, 20 kills, faults in Teams", endurance.kill),
    "soak": ("a long steady stream (BENCH_MINUTES, BENCH_RATE)", endurance.soak),
    "lists": ("every list with a million events; prints a table", lists.lists),
}
LONG = ("soak", "lists")  # only by name


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "scenarios", nargs="*", choices=[*SCENARIOS, []], metavar="SCENARIO",
        help=f"some of {', '.join(SCENARIOS)}; when left out, all but {' and '.join(LONG)}",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument(
        "--servers",
        action="store_true",
        help="with a PostgreSQL and a Redis started for each scenario, instead of the embedded default",
    )
    options = parser.parse_args()
    figures: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}",
        "set-up": "PostgreSQL + Redis" if options.servers else "embedded: SQLite (FULL), database broker",
    }
    print(f"{figures['machine']}; {figures['set-up']}\n")
    for name in options.scenarios or [each for each in SCENARIOS if each not in LONG]:
        words, scenario = SCENARIOS[name]
        with fresh(options.servers) as place:
            figures[name] = asyncio.run(scenario(place))  # type: ignore[arg-type]
        shown = "  ".join(f"{key}: {value:,}" for key, value in figures[name].items())
        print(f"{name:9} {words}\n          {shown}\n", flush=True)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
