"""A reconcile against a real registry: its rate, next to the registry's own and skopeo's, and its request count.

The ceiling is the registry's own rate of HEADs: as many as a reconcile sends, to the same paths, by a bare loop over as
many connections (`heads`).
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.clock import seconds as timed
from benchmarks.clock import succeeded
from benchmarks.memory import peaks
from benchmarks.report import Beside, Row
from benchmarks.world import HERE, World, ledger_program, require
from tests.support.registries.registry import OCI_INDEX, OCI_MANIFEST, Layout, RealRegistry, real_registry
from tests.support.values.make import ledger_bytes, record

_JOBS = 20  # the default of `reconcile`
_LATENCY = 0.05  # seconds
_PLATFORMS = ("linux/amd64", "linux/arm64", "linux/s390x")
_SKOPEO_REQUESTS = 60


def reconcile(world: World, quick: bool) -> Iterator[Row]:
    """Measure how fast a reconcile checks tags, and how many requests and how much memory it takes for that."""
    require("skopeo", "docker-registry")
    rounds = 1 if quick else 5
    yield from _one_platform(world, 500 if quick else 2000, rounds)
    yield from _three_platforms(world, 175 if quick else 700, rounds)
    if not quick:
        yield from _thrift(world, 10_000)


def _one_platform(world: World, tags: int, rounds: int) -> Iterator[Row]:
    """Measure tags of one platform, next to bare HEADs and a shell loop of skopeo; and with a slow network."""
    with _registry(world) as registry:
        digest = _tagged(registry, world.path("layout"), tags)
        folder = _ledger(world.path("ledger"), registry.host, tags, digest)
        paths = [f"/v2/myorg/app/manifests/t{number}" for number in range(tags)]
        rates = _in_turn(world, registry, folder, paths, rounds)
        skopeo = Beside("skopeo", [_skopeo_rate(world, registry)])
        limit = Beside("bare HEADs", rates["bare"])
        yield Row(f"reconcile, {tags:,} tags", rates["ledger"], "/s", limit=limit, peer=skopeo, target=">= 0.75 x")
        yield Row(f"reconcile, {tags:,} tags: computed per tag", rates["processor"], "ms")
        with _in_front(registry.host, _LATENCY) as (port, _):
            slow = _ledger(world.path("slow"), f"127.0.0.1:{port}", tags, digest)
            rate = tags / timed(world, [ledger_program(), "reconcile", "--repo", str(slow)])
        limit = Beside("jobs/latency", [_JOBS / _LATENCY])
        yield Row(f"reconcile, {tags:,} tags, 50 ms away", [rate], "/s", limit=limit, target=">= 0.8 x")


def _three_platforms(world: World, tags: int, rounds: int) -> Iterator[Row]:
    """Measure tags of three platforms, each with images of its own: four HEADs a tag."""
    with _registry(world) as registry:
        indexes = _tagged_indexes(registry, world.path("layout"), tags)
        records = [
            record(tag=f"t{tag}", digest=image, index=index, platform=platform)
            for tag, (index, images) in enumerate(indexes)
            for platform, image in zip(_PLATFORMS, images, strict=True)
        ]
        folder = world.path("ledger")
        _write_ledger(folder, registry.host, ledger_bytes(*records))
        names = [name for tag, (_, images) in enumerate(indexes) for name in (f"t{tag}", *images)]
        rates = _in_turn(world, registry, folder, [f"/v2/myorg/app/manifests/{name}" for name in names], rounds)
        limit = Beside("bare HEADs", rates["bare"])
        yield Row(f"reconcile, {tags:,} tags of 3 platforms", rates["ledger"], "/s", limit=limit, target=">= 0.75 x")


def _in_turn(
    world: World, registry: RealRegistry, folder: Path, paths: list[str], rounds: int
) -> dict[str, list[float]]:
    """Return the rates of bare HEADs and of a reconcile that sends as many; and its processor time, in ms a HEAD."""
    names = world.path("paths")
    names.write_text("\n".join(paths))
    bare = [sys.executable, "-m", "benchmarks.heads", registry.host, str(_JOBS), str(names)]
    measured: dict[str, list[float]] = {"bare": [], "ledger": [], "processor": []}
    for round_number in range(rounds + 1):
        output = subprocess.run(bare, env=world.environment, cwd=HERE.parent, check=True, capture_output=True).stdout
        done = succeeded(world, [ledger_program(), "reconcile", "--repo", str(folder)])
        if round_number:
            measured["bare"].append(float(output))
            measured["ledger"].append(len(paths) / done.seconds)
            measured["processor"].append(1000 * done.processor / len(paths))
    return measured


def _thrift(world: World, records: int) -> Iterator[Row]:
    """Measure the requests and the peak memory of a reconcile of many records in sync."""
    with _registry(world) as registry:
        digest = _tagged(registry, world.path("layout"), records)
        with _in_front(registry.host, 0.0) as (port, counts):
            folder = _ledger(world.path("ledger"), f"127.0.0.1:{port}", records, digest)
            peak, _ = peaks(world, ["reconcile", "--repo", str(folder)])
        work = f"reconcile, {records:,} tags"
        yield Row(f"{work}: HEAD requests", [counts["HEAD"]], "", target=f"<= {records}")
        yield Row(f"{work}: GET requests", [counts["GET"]], "", target="<= 0")
        yield Row(f"{work}: memory", [peak], "MB", target="<= 100 MB")


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


def _tagged_indexes(registry: RealRegistry, layout: Path, tags: int) -> list[tuple[str, list[str]]]:
    """Push that many indexes of three images each; return their digests. The images share their layer."""
    _tagged(registry, layout, 1)
    connection = http.client.HTTPConnection(registry.host)
    connection.request("GET", "/v2/myorg/app/manifests/t0", headers={"Accept": OCI_MANIFEST})
    manifest = json.loads(connection.getresponse().read())

    def put(name: str, media_type: str, document: dict[str, object]) -> str:
        body = json.dumps(document).encode()
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        path = f"/v2/myorg/app/manifests/{name or digest}"
        connection.request("PUT", path, body=body, headers={"Content-Type": media_type})
        connection.getresponse().read()
        return digest

    indexes = []
    for tag in range(tags):
        images = [put("", OCI_MANIFEST, manifest | {"annotations": {"n": f"{tag} {name}"}}) for name in _PLATFORMS]
        entries = [{"mediaType": OCI_MANIFEST, "digest": image, "size": 1} for image in images]
        index = put(f"t{tag}", OCI_INDEX, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
        indexes.append((index, images))
    return indexes


def _ledger(folder: Path, host: str, tags: int, digest: str) -> Path:
    _write_ledger(folder, host, ledger_bytes(*(record(tag=f"t{n}", digest=digest) for n in range(tags))))
    return folder


def _write_ledger(folder: Path, host: str, content: bytes) -> None:
    folder.mkdir()
    (folder / "ledger.json").write_bytes(content)
    (folder / "ledger.yaml").write_text(f"registries:\n  - host: http://{host}\n")


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

    async def end() -> None:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1], counts
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
