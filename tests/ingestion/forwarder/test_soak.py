"""Long runs, enabled by DEPTHFLOW_SOAK=1: memory must stay flat. SOAK_S sets the duration (600 s)."""

import asyncio
import os
from asyncio.subprocess import Process
from pathlib import Path
from time import monotonic

import psutil
import pytest

from simulator import Config, simulator
from simulator.generator.market import MarketShape
from tests.broker import own_broker
from tests.ingestion.forwarder.harness import time_limit
from tests.ingestion.forwarder.test_process import exchange_flags, forward, wait_until_ready
from tests.soak import soak

SOAK_S = float(os.environ.get("SOAK_S", "600"))
WARM_UP_S = 30
MEGABYTE = 1024 * 1024

pytestmark = [
    soak,
    pytest.mark.timeout(int(SOAK_S) + 300),
]


async def memory_samples(process: Process, url: str) -> list[float]:
    """Resident memory of the process in MB, once a second after a warm-up."""
    await wait_until_ready(url)
    await asyncio.sleep(WARM_UP_S)
    memory, start, sizes = psutil.Process(process.pid).memory_info, monotonic(), list[float]()
    while monotonic() - start < SOAK_S:
        sizes.append(memory().rss / MEGABYTE)
        await asyncio.sleep(1)
    return sizes


@time_limit(SOAK_S + 240)
async def test_memory_stays_flat_with_five_hundred_symbols(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    symbols = tuple(f"S{number}/USD" for number in range(500))
    config = Config("kraken", symbols, rate=1, shape=MarketShape(levels=30, touched=3))
    with own_broker(tmp_path / "broker") as broker:
        async with (
            simulator(config) as exchange,
            forward(broker.address, "", tmp_path, *exchange_flags(exchange), "--channels=book.25") as (process, url),
        ):
            sizes = await memory_samples(process, url)
    with capsys.disabled():
        print(f"\nRSS MB: start {sizes[0]:.1f}, end {sizes[-1]:.1f}, peak {max(sizes):.1f}, after {SOAK_S:.0f} s")
    assert sizes[-1] < sizes[0] * 1.1 + 5
