"""A reconcile against a real registry: its rate, next to the registry's own and skopeo's, and its request count."""

from __future__ import annotations

import asyncio
import http.client
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.clock import seconds as timed
from benchmarks.report import Section
from benchmarks.world import HERE, World, ledger_program
from tests.support.registries.registry import OCI_MANIFEST, Layout, RealRegistry, real_registry
from tests.support.values.make import ledger_bytes, record

_JOBS = 20  # the default of `reconcile`
_LATENCY = 0.05  # seconds
_BARE_REQUESTS = 4000
_SKOPEO_REQUESTS = 60


def rates(world: World, tags: int, rounds: int) -> Section:
    """Measure how fast a reconcile checks tags, next to bare HEADs and a shell loop of skopeo, in one run."""
    section = Section("reconcile", tags)
    with _registry(world) as registry:
        digest = _tagged(registry, world.path("layout"), tags)
        folder = _ledger(world.path("ledger"), registry.host, tags, digest)
        rates: dict[str, list[float]] = {"bare": [], "skopeo": [], "ledger": []}
        for _ in range(rounds):
            rates["bare"].append(_bare_rate(registry))
            rates["skopeo"].append(_skopeo_rate(world, registry))
            rates["ledger"].append(tags / timed(world, [ledger_program(), "reconcile", "--repo", str(folder)]))
        median = {name: sorted(values)[len(values) // 2] for name, values in rates.items()}
        section.value("ab -i -k -c 8: the registry's own rate", median["bare"], "HEAD/s")
        section.value("a loop of skopeo inspect", median["skopeo"], "tags/s")
        section.value("ledger reconcile, including start-up", median["ledger"], "tags/s")
        section.share("ledger / the registry's own rate", median["ledger"] / median["bare"], at_least=0.6)
        section.share("ledger / skopeo", median["ledger"] / median["skopeo"], at_least=15.0)
        with _in_front(registry.host, _LATENCY) as (port, _):
            slow = _ledger(world.path("slow"), f"127.0.0.1:{port}", tags, digest)
            rate = tags / timed(world, [ledger_program(), "reconcile", "--repo", str(slow)])
        section.value("with 50 ms in front", rate, "tags/s")
        section.share("with 50 ms in front / (jobs / latency)", rate / (_JOBS / _LATENCY), at_least=0.8)
    return section


def thrift(world: World, records: int) -> Section:
    """Measure the requests and the peak memory of a reconcile of many records in sync."""
    section = Section("reconcile, requests and memory", records)
    with _registry(world) as registry:
        digest = _tagged(registry, world.path("layout"), records)
        with _in_front(registry.host, 0.0) as (port, counts):
            folder = _ledger(world.path("ledger"), f"127.0.0.1:{port}", records, digest)
            peak = world.path("peak")
            words = [sys.executable, "-m", "benchmarks.peak", str(peak), "reconcile", "--repo", str(folder)]
            subprocess.run(words, env=world.environment, cwd=HERE.parent, check=True, stdout=subprocess.DEVNULL)
            section.value("HEAD requests", counts["HEAD"], "requests", at_most=records)
            section.value("GET requests", counts["GET"], "requests", at_most=0)
            section.value("peak memory", int(peak.read_text()) / 1024, "MB", at_most=300)
    return section


@contextmanager
def _registry(world: World) -> Iterator[RealRegistry]:
    with real_registry(world.path("registry")) as registry:
        yield registry


def _tagged(registry: RealRegistry, layout: Path, tags: int) -> str:
    """Push one image and give it that many tags; return its digest."""
    digest = registry.push(Layout.image(layout, "benchmark"), "myorg/app:t0")
    connection = http.client.HTTPConnection(registry.host)
    connection.request("GET", "/v2/myorg/app/manifests/t0", headers={"Accept": OCI_MANIFEST})
    manifest = connection.getresponse().read()
    for number in range(1, tags):
        headers = {"Content-Type": OCI_MANIFEST}
        connection.request("PUT", f"/v2/myorg/app/manifests/t{number}", body=manifest, headers=headers)
        connection.getresponse().read()
    return digest


def _ledger(folder: Path, host: str, tags: int, digest: str) -> Path:
    folder.mkdir()
    (folder / "ledger.json").write_bytes(ledger_bytes(*(record(tag=f"t{n}", digest=digest) for n in range(tags))))
    (folder / "ledger.yaml").write_text(f"registries:\n  - host: http://{host}\n")
    return folder


def _bare_rate(registry: RealRegistry) -> float:
    words = ["ab", "-q", "-k", "-i", "-n", str(_BARE_REQUESTS), "-c", "8", "-H", f"Accept: {OCI_MANIFEST}"]
    url = f"{registry.url}/v2/myorg/app/manifests/t0"
    output = subprocess.run([*words, url], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests per second:\s+([\d.]+)", output)
    if not rate:
        raise SystemExit(f"error: ab did not report its rate\n{output}")
    return float(rate[1])


def _skopeo_rate(world: World, registry: RealRegistry) -> float:
    loop = f"for n in $(seq 0 {_SKOPEO_REQUESTS - 1}); do skopeo inspect --tls-verify=false --format '{{{{.Digest}}}}' "
    loop += f'"docker://{registry.host}/myorg/app:t$n" >/dev/null || exit 1; done'
    return _SKOPEO_REQUESTS / timed(world, ["bash", "-c", loop])


@contextmanager
def _in_front(host: str, latency: float) -> Iterator[tuple[int, dict[str, int]]]:
    """Yield the port of a proxy that delays every answer, and its count of requests by method."""
    name, _, port = host.partition(":")
    counts = {"HEAD": 0, "GET": 0}
    loop = asyncio.new_event_loop()

    async def up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            for method in counts:
                counts[method] += data.count(f"{method} /v2/".encode())
            writer.write(data)
        writer.close()

    async def down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await asyncio.sleep(latency)
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection(name, int(port))
        await asyncio.gather(up(reader, their_writer), down(their_reader, writer), return_exceptions=True)

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1], counts
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
