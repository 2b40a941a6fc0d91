"""What the search takes for the reference in a text that people paste."""

from __future__ import annotations

from ledger_tool.render.site.templating import asset
from tests.acceptance.site.conftest import Sites
from tests.acceptance.site.test_reading import hits
from tests.support.browser.browser import Browser
from tests.support.values.make import digest

_HEX = digest()[7:]
_DIGEST, _TAG = f"registry.example.com/t/app@{digest()}", "registry.example.com/t/app:v1.0.0"
_MEANT = {
    # what is typed stays as it is
    "app": "app", "app:": "app:", "web app:v1": "web app:v1", "t/app v1.0": "t/app v1.0", "image": "image",
    "from app": "from app", "docker": "docker", "": "", "t/*:v1*": "t/ :v1", "t/app@v1": "t/app@v1",
    # commands
    f"docker pull {_DIGEST}": _DIGEST, "$ docker run -it base:v1 bash": "base:v1", "sudo docker pull base": "base",
    f"docker build -t {_TAG} ./ctx": _TAG, f"kubectl set image deploy/x app={_TAG}": _TAG,
    f"skopeo copy docker://{_DIGEST} dir:/tmp": _DIGEST, "ledger get base:v1 --format ref": "base:v1",
    f"ledger whence {digest()[:19]}": digest()[:19],
    "helm upgrade --set image.repository=a.example/t/app": "a.example/t/app",
    # manifests and Dockerfiles
    f'- image: "{_TAG}" # see https://wiki.example.com/x': _TAG, f'{{"image":"{_TAG}",': _TAG,
    "image: base:v1": "base:v1", "FROM base:v1 AS build": "base:v1",
    f"FROM --platform=linux/amd64 {_DIGEST} AS x": _DIGEST,
    # clusters, registries and their errors
    f"containerd://{digest()}": digest(), f"docker-pullable://{_DIGEST}": _DIGEST,
    f'Failed to pull image "{_TAG}": rpc error: code = NotFound desc = "{_TAG}": not found': _TAG,
    "GET https://registry.example.com/v2/t/app/manifests/v1.0.0: MANIFEST_UNKNOWN": _TAG,
    f"https://registry.example.com/v2/t/app/blobs/{digest()}": _DIGEST,
    f"registry.example.com:443/t/app@{digest()}": _DIGEST,
    "localhost:5000/t/app:v1": "localhost:5000/t/app:v1",
    f"image digest {digest()} is not allowed by policy.": digest(),
    # signatures, and the files of scanners
    f"registry.example.com/t/app:sha256-{_HEX}.sig": _DIGEST, f"sha256-{_HEX}.att": digest(),
    f"pkg:oci/app@sha256%3A{_HEX}?repository_url=a.example/t/app&tag=v1": f"app@{digest()}",
    # people, and the programs that they write with
    f"<https://{_TAG}>": _TAG, f"**{_TAG}**.": _TAG, f"“{_TAG}”,": _TAG, f"\u200b{_HEX}": _HEX,
    f"{digest()[:21]}…{_HEX[-4:]}": digest()[:21], f"{_HEX[:20]}...": _HEX[:20],
}  # fmt: skip


def test_the_reference_in_a_text_is_found_and_is_then_taken_as_it_is(browser: Browser) -> None:
    script = asset("pasted.js") + "return arguments[0].map(pasted);"
    assert dict(zip(_MEANT, browser.run(script, list(_MEANT)), strict=True)) == _MEANT
    meant = list(_MEANT.values())
    assert browser.run(script, meant) == meant


def test_hex_digits_may_be_those_of_a_tag_as_well_as_of_a_digest(browser: Browser, sites: Sites) -> None:
    """As where tags are the commits that were built."""
    browser.open(f"{sites.base('commits', 'http')}index.html#q={_HEX[:40]}")
    assert hits(browser, f"{digest()[:19]}…") == [f"{digest()[:19]}…", f"app:{_HEX[:40]}"]
    browser.run("location.hash = arguments[0]", f"q={'e' * 40}")
    assert hits(browser, f"app:{'e' * 40}") == [f"app:{'e' * 40}"]
    assert browser.text("#\\~results .status") == "1 result"
    browser.run("location.hash = arguments[0]", f"q={'f' * 40}")
    browser.wait(
        "document.querySelector('#\\\\~results .status').innerText.startsWith('The ledger has no such digest')"
    )
