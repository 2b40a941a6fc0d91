"""Values laid over those of a chart: no tag gets the digest of another one, whatever is in which file."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from functools import partial
from typing import Any

import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.manifests.bump import BumpRules, judge_bump
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.pin import judge_pin
from ledger_tool.core.manifests.policyrules import parse_rule
from ledger_tool.core.manifests.rewrite import Judge, Rewritten
from ledger_tool.core.policy.policy import Policy
from ledger_tool.edges.files.chart_files import FilesByPath
from ledger_tool.edges.files.charts import Charts
from ledger_tool.edges.files.manifests import rewritten
from tests.support.values.make import digest, ledger_of, record

DIGESTS = {"v1.5.0": digest("old"), "v1.6.0": digest("new")}
LEDGER = ledger_of(*(record("myorg/app", tag, digest=one) for tag, one in DIGESTS.items()))
CATALOGUE = Catalogue(Snapshot("", LEDGER, Policy()), Timestamp("2026-11-25T09:30:00Z"))
PIN = Judge(partial(judge_pin, catalogue=CATALOGUE), CATALOGUE.ours)
BUMP = Judge(partial(judge_bump, catalogue=CATALOGUE, rules=BumpRules(rules=[parse_rule("semver:^1")])), CATALOGUE.ours)
TEMPLATE = "image: {{ %(I)s.repository }}:{{ %(I)s.tag }}{{ with %(I)s.digest }}@{{ . }}{{ end }}\n"
TEMPLATES = [TEMPLATE, "image: {{ %(I)s.repository }}:{{ %(I)s.tag }}@{{ %(I)s.digest }}\n"]

tags = st.sampled_from(["v1.5.0", "v1.6.0", "unreleased", "", "v1.6.0   # ledger: ignore"])
digests = st.sampled_from([*DIGESTS.values(), '""', digest("unknown")])
names = st.sampled_from(["myorg/app", "myorg/web", "mirror.example.com/myorg/app"])
images = st.fixed_dictionaries({}, optional={"tag": tags, "digest": digests, "pullPolicy": st.just("Always")})
overlays = st.builds(
    lambda image, name: {**name, **image}, images, st.fixed_dictionaries({}, optional={"repository": names})
)
places = st.sampled_from(
    [
        ("values.yaml", "values-prod.yaml", "image"),
        ("values.yaml", "envs/prod.yaml", "web"),
        ("charts/sub/values.yaml", "values.yaml", "image"),
        ("charts/sub/values.yaml", "values-prod.yaml", "web"),
        ("chart/values.yaml", "envs/prod.yaml", "web"),
        ("chart/values.yaml", "app.yaml", "image"),
        ("chart/values.yaml", "helmfile.yaml", "web"),
        ("elsewhere/values.yaml", "elsewhere/prod.yaml", "image"),
        ("elsewhere/values.yaml", "elsewhere/helmfile.yaml", "web"),
    ]
)
INDENT = {"app.yaml": "      ", "helmfile.yaml": "    ", "elsewhere/helmfile.yaml": "    "}
OBJECT = {"app.yaml": ("valuesObject",)}
AROUND: dict[str, tuple[str, tuple[str | int, ...]]] = {
    "app.yaml": (
        "kind: Application\nspec:\n  source:\n    path: chart\n    helm:\n",
        ("spec", "source", "helm", "valuesObject"),
    ),
    "helmfile.yaml": ("releases:\n- chart: ./chart\n  values:\n  -\n", ("releases", 0, "values", 0)),
    "elsewhere/helmfile.yaml": (
        "releases:\n- chart: oci://r/app\n  values:\n  - values.yaml\n  -\n",
        ("releases", 0, "values", 1),
    ),
}


def values(image: dict[str, str], *above: str) -> str:
    lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate(above)]
    return "\n".join([*lines, *(f"{'  ' * len(above)}{key}: {value}" for key, value in image.items())]) + "\n"


def judged(files: dict[str, bytes], judge: Judge, excluded: str) -> list[Rewritten]:
    read = {path for path in files if path != excluded}
    charts = Charts(FilesByPath(files, files.get), read)
    return [
        rewritten(path, files[path], replace(judge, charts=partial(charts.of, path))) for path in files if path in read
    ]


@given(
    base=images, overlay=overlays, place=places, template=st.sampled_from(TEMPLATES),
    judge=st.sampled_from([PIN, BUMP]), is_excluded=st.booleans(),
)  # fmt: skip
@example(
    base={"tag": "v1.5.0"}, overlay={"tag": "v1.6.0"}, place=("values.yaml", "values-prod.yaml", "image"),
    template=TEMPLATE, judge=PIN, is_excluded=True,
)  # fmt: skip
def test_no_tag_inherits_the_digest_of_another(
    base: dict[str, str],
    overlay: dict[str, str],
    place: tuple[str, str, str],
    template: str,
    judge: Judge,
    is_excluded: bool,
) -> None:
    below, above, key = place
    # A file that nothing names, and that has all of an image, is not known to be laid over a chart.
    assume(above != "envs/prod.yaml" or not below.startswith("chart/") or not {"repository", "tag"} <= {*overlay})
    base = {"repository": "myorg/app", **base}
    prefix = ("sub",) if below.startswith("charts/") else ()
    folder = below.removesuffix("values.yaml")
    around, keys = AROUND.get(above, ("", prefix))
    texts = {
        f"{folder}Chart.yaml": "name: sub\n",
        f"{folder}templates/a.yaml": template % {"I": f".Values.{key}"},
        below: values(base, key),
        above: around + (textwrap.indent(values(overlay, *OBJECT.get(above, prefix), key), INDENT.get(above, ""))),
    }
    if folder == "elsewhere/":  # the chart is not here
        del texts["elsewhere/Chart.yaml"], texts["elsewhere/templates/a.yaml"]
    if above == "elsewhere/prod.yaml":
        texts["a.yaml"] = (
            "{source: {repoURL: u, chart: app, helm: {valueFiles: [$v/elsewhere/values.yaml, $v/elsewhere/prod.yaml]}}}"
        )
    if prefix:
        texts["Chart.yaml"] = "name: app\n"
    files = {path: text.encode() for path, text in texts.items()}
    done = judged(files, judge, above if is_excluded and not below.startswith(("chart/", "elsewhere/")) else "")
    is_green = not any(file.findings for file in done)
    after = {**files, **{file.path: file.content for file in done if file.content is not None}}
    lower, upper = (yaml.safe_load(after[path]) for path in (below, above))
    for name in (*keys, key):
        upper = upper[name] if isinstance(name, int) else (upper or {}).get(name)
    own: dict[str, Any] = upper or {}
    runs = {**lower[key], **own}
    has_other_tag = "tag" in own and own["tag"] != lower[key].get("tag")
    has_other_name = own.get("repository", "myorg/app") == "myorg/web"
    inherits = (has_other_tag or has_other_name) and "digest" not in own and bool(runs.get("digest"))
    if inherits and (has_other_name or runs["digest"] != DIGESTS.get(runs.get("tag", ""))):
        assert after[below] == files[below]
        assert not is_green or (is_excluded and "ignore" in base.get("tag", ""))  # then nobody asks
