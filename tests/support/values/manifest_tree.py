"""A folder of generated manifests of all shapes, with what `pin` has to make of every file.

The ledger is that of `examples/manifests`. What a file has to become is known to whoever wrote it, not found in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.support.values.manifest_text import Alias, TagField, TextWriter, Whole

HOST = "registry.example.com"
_DIGESTS = {
    f"{HOST}/myorg/app:v1.5.0": "a15", f"{HOST}/myorg/app:v1.4.0": "a14", f"{HOST}/myorg/worker:1.0.0": "e1",
    f"{HOST}/myorg/app:v2.0.0-rc.1": "a200c", "nginx:1.27.0": "f27", "docker.io/library/nginx:1.27": "f27",
    "docker.io/postgres:16.2": "d162", "ghcr.io/team/tool:main-105": "70105",
}  # fmt: skip
DIGESTS = {reference: f"sha256:{start:0<64}" for reference, start in _DIGESTS.items()}
_OURS = [reference for reference in DIGESTS if reference.startswith((HOST, "ghcr.io"))]
_NOT_REFERENCES = [
    "https://cdn.example.com/logo.png", "/img/logo.svg", "./logo.png", "*/app:*", "!*:latest", f"{HOST}/myorg/*",
    "A picture of a ship", "img/logo.webp", "ubuntu-22.04", "data:image/png;base64,iVBORw0KGgo=", "sha256:4ef5a3003065",
]  # fmt: skip
Document = dict[str, Any]


@dataclass(frozen=True)
class GeneratedFile:
    """A file before and after `pin`.

    `named` are the texts that stay and that a note or a finding has to name; `left` are references that stay unnamed.
    """

    path: str
    before: bytes
    after: bytes
    named: tuple[str, ...] = ()
    left: frozenset[str] = frozenset()
    beside: tuple[tuple[str, str], ...] = ()  # paths and texts of files that stay


@dataclass
class ManifestMaker:
    """Makes one file."""

    chance: Random
    number: int
    named: list[str] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    beside: dict[str, str] = field(default_factory=dict)
    can_mark: bool = True

    def whole(self, among: list[str] | None = None, *, opening: str = "", closing: str = "", mark: str = "") -> Whole:
        """Return a reference that is to be pinned, or already is."""
        reference = self.chance.choice(among or list(DIGESTS))
        pinned = f"{opening}{reference}@{DIGESTS[reference]}{closing}"
        is_pinned = self.chance.random() < 0.15
        return Whole(pinned if is_pinned else f"{opening}{reference}{closing}", pinned, mark)

    def kept(self, text: str, *, mark: str = "", named: bool = False) -> Whole:
        """Return a text that stays, whatever it looks like."""
        (self.named.append if named else self.left.add)(text)
        return Whole(text, text, mark)

    def mention(self) -> str:
        """Return a reference where nobody reads an image."""
        reference = self.chance.choice(_OURS)
        self.named.append(reference)
        return reference

    def image_fields(self) -> Document:
        """Return the fields of an image in Helm values."""
        reference = self.chance.choice([one for one in DIGESTS if "16.2" not in one and one[-5:] != ":1.27"])
        name, _, tag = reference.rpartition(":")
        fields: Document = {"repository": name, "tag": TagField(tag, DIGESTS[reference])}
        if "/" in name and "." in name.partition("/")[0] and self.chance.random() < 0.5:
            registry, _, name = name.partition("/")
            fields = {"registry": registry, "repository": name, "tag": fields["tag"]}
        extra = [("pullPolicy", "Always"), ("pullSecrets", ["a"])]
        parts = [*fields.items(), *self.chance.sample(extra, self.chance.randrange(3))]
        self.chance.shuffle(parts)
        return dict(parts)

    def pod(self) -> list[Any]:
        containers = []
        for at in range(self.chance.randint(1, 3)):
            container: Document = {"name": f"c{at}", "image": self.whole()}
            if self.chance.random() < 0.3:
                container["args"] = ["--port", "8080", f"--image={self.mention()}"]
            if self.chance.random() < 0.3:
                container["env"] = [{"name": "IMAGE", "value": self.mention()}]
            if self.can_mark and self.chance.random() < 0.2:
                container["image"] = self.kept(self.chance.choice(_OURS), mark="# ledger: ignore")
            containers.append(container)
        spec: Document = {"containers": containers, "volumes": [{"name": "m", "image": {"reference": self.whole()}}]}
        kind = self.chance.choice(["Pod", "Deployment", "CronJob", "Operand"])
        for above in {"Pod": [], "Deployment": ["template"], "CronJob": ["template", "jobTemplate"]}.get(
            kind, ["pods"]
        ):
            spec = {above: {"metadata": {"labels": {"app": "x"}}, "spec": spec}}
        objects: list[Any] = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}]
        if self.chance.random() < 0.3:
            objects.append({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b", "image.txt": self.mention()}})
        return [*objects, *self.pod()] if self.chance.random() < 0.3 else objects

    def compose(self) -> list[Any]:
        shared = self.whole()
        services: Document = {
            "web": {"image": self.whole(), "ports": ["80:80"]},
            "db": {"image": self.whole(opening="${DB_IMAGE:-", closing="}")},
            "built": {"image": self.kept(self.chance.choice(_OURS)), "build": {"context": "."}},
            "one": {"image": Whole(shared.before, shared.after, anchor="img")},
            "two": {"image": Alias("img")},
        }
        base = Alias("base", {"image": self.whole(), "restart": "always"})
        return [{"x-base": base, "services": {**services, "merged": {"<<": Alias("base"), "ports": ["1:1"]}}}]

    def values(self) -> list[Any]:
        top = {f"{self.chance.choice('abc')}{at}": {"image": self.image_fields()} for at in range(3)}
        return [{"replicas": 2, **top, "global": {"deep": {"sidecar": self.image_fields(), "on": True}}}]

    def chart(self) -> list[Any]:
        """Return the values of a chart that prints the digest, or that prints the tag alone and so gets both in it."""
        reads = self.chance.random() < 0.5
        name, tag, digest = (f".Values.app.image.{key}" for key in ("repository", "tag", "digest"))
        line = f"{{{{ {name} }}}}:{{{{ {tag} }}}}" + f"{{{{ with {digest} }}}}@{{{{ . }}}}{{{{ end }}}}" * reads
        self.beside["Chart.yaml"] = f"apiVersion: v2\nname: c{self.number}\nversion: 0.1.0\n"
        self.beside["templates/pod.yaml"] = f'kind: Pod\nspec:\n  containers:\n    - image: "{line}"\n'
        reference = self.chance.choice(_OURS)
        repository, _, own = reference.rpartition(":")
        behind = Whole(own, f"{own}@{DIGESTS[reference]}")
        field_of_tag = TagField(own, DIGESTS[reference]) if reads else behind
        return [{"app": {"image": {"repository": repository, "tag": field_of_tag, "pullPolicy": "Always"}}}]

    def kustomization(self) -> list[Any]:
        name, digest = f"{HOST}/myorg/app", DIGESTS[f"{HOST}/myorg/app:v1.5.0"]
        images = [{"name": name, "newTag": TagField("v1.5.0", digest)}, {"name": "x", "newName": name}]
        return [
            {
                "kind": "Kustomization",
                "resources": ["a.yaml"],
                "images": [*images, {"name": "y", "newName": self.whole(_OURS)}],
            }
        ]

    def gitlab(self) -> list[Any]:
        job = {"image": {"name": self.whole(), "entrypoint": [""]}, "services": [self.whole(), {"name": self.whole()}]}
        return [{"image": self.whole(), "test": job, "build": {"script": ["make", f"docker pull {self.mention()}"]}}]

    def github(self) -> list[Any]:
        steps = [{"uses": "actions/checkout@v4"}, {"uses": self.whole(opening="docker://")}, {"run": "make"}]
        service = {"services": {"db": {"image": self.whole()}}, "strategy": {"matrix": {"image": [self.whole(_OURS)]}}}
        jobs = {
            "a": {"container": self.whole(), "steps": steps},
            "b": {"container": {"image": self.whole()}, **service},
        }
        return [{"on": "push", "jobs": jobs}]

    def cloud_build(self) -> list[Any]:
        steps = [{"name": self.whole(), "args": ["build"]}, {"name": self.whole()}]
        return [{"steps": steps, "images": [self.kept(self.chance.choice(_OURS))]}]

    def operators(self) -> list[Any]:
        reference = self.chance.choice(_OURS)
        name, _, tag = reference.rpartition(":")
        behind = Whole(tag, f"{tag}@{DIGESTS[reference]}")
        spec = {
            "operatorImage": self.whole(_OURS),
            "sidecar_image": self.whole(_OURS),
            "imageRepository": name,
            "imageTag": behind,
        }
        return [
            {
                "kind": "Operand",
                "spec": spec,
                "other": self.whole(_OURS, mark="# ledger: image"),
                "outputImage": self.kept(reference),
            }
        ]

    def builds(self) -> list[Any]:
        """Return what is built or only matched, in the middle of what runs."""
        around = [
            {"image": self.kept(self.chance.choice(_OURS)), "dockerfile": "Dockerfile"},
            {"image": self.kept(self.chance.choice(_OURS)), "context": self.chance.choice([".", "./app", "src/app"])},
            {"image": self.kept(self.chance.choice(_OURS)), "build": {"context": "."}},
            {"image": self.kept(self.chance.choice(_OURS)), "newImage": self.whole(_OURS)},
            {"output": {"image": self.kept(self.chance.choice(_OURS))}},
            {"artifacts": [{"image": self.kept(self.chance.choice(_OURS)), "runImage": self.whole(_OURS)}]},
        ]
        below = {f"b{at}": one for at, one in enumerate(self.chance.sample(around, 3))}
        return [{"version": 1, "build": below, "deploy": {"image": self.whole(), "command": ["run"]}}]

    def argo(self) -> list[Any]:
        reference = self.chance.choice(_OURS)
        name, _, tag = reference.rpartition(":")
        behind = Whole(tag, f"{tag}@{DIGESTS[reference]}")
        helm = {"parameters": [{"name": "image.repository", "value": name}, {"name": "image.tag", "value": behind}]}
        source = {"helm": helm, "kustomize": {"images": [self.whole(_OURS, opening="app=")]}}
        return [{"kind": "Application", "spec": {"source": source}}]

    def tekton(self) -> list[Any]:
        params = [{"name": "kind", "value": "task"}, {"name": "bundle", "value": self.whole(_OURS)}]
        return [
            {
                "kind": "TaskRun",
                "spec": {"taskRef": {"bundle": self.whole()}},
                "x": {"resolver": "bundles", "params": params},
            }
        ]

    def pages(self) -> list[Any]:
        items = [{"image": self.kept(text, named=True)} for text in self.chance.sample(_NOT_REFERENCES, 3)]
        return [{"title": "A page", "posts": items, "image": self.kept("/img/x.png", named=True)}]

    def unknown(self) -> list[Any]:
        choices = [
            "redis:7",
            "quay.io/x/y:1",
            f"{HOST}/myorg/app:v99",
            "$IMAGE",
            f"{HOST}/myorg/app:${{TAG}}",
            "MyOrg/app:v1",
        ]
        containers = [{"image": self.kept(text, named=True)} for text in self.chance.sample(choices, 3)]
        return [{"kind": "Pod", "spec": {"containers": [*containers, {"image": self.whole()}]}}]


SHAPES: dict[str, tuple[str, Callable[[ManifestMaker], list[Any]]]] = {
    "pod": ("apps/{n}.yaml", ManifestMaker.pod), "compose": ("compose/{n}/compose.yml", ManifestMaker.compose),
    "values": ("env/{n}/values.yaml", ManifestMaker.values), "gitlab": ("ci/{n}.gitlab-ci.yml", ManifestMaker.gitlab),
    "kustomization": ("k/{n}/kustomization.yaml", ManifestMaker.kustomization),
    "github": (".github/workflows/{n}.yaml", ManifestMaker.github), "argo": ("argo/{n}.yaml", ManifestMaker.argo),
    "cloudbuild": ("b/{n}/cloudbuild.yaml", ManifestMaker.cloud_build),
    "operators": ("o/{n}.yml", ManifestMaker.operators), "builds": ("b/{n}.yaml", ManifestMaker.builds),
    "tekton": ("t/{n}.yaml", ManifestMaker.tekton), "pages": ("site/{n}.yaml", ManifestMaker.pages),
    "chart": ("charts/{n}/values.yaml", ManifestMaker.chart),
    "unknown": ("open/{n}.yaml", ManifestMaker.unknown), "json": ("json/{n}.json", ManifestMaker.pod),
    "jsonc": ("json/{n}.jsonc", ManifestMaker.pod), "json values": ("json/v{n}.json", ManifestMaker.values),
}  # fmt: skip
_STEPS = (
    "RUN make",
    "WORKDIR /x",
    "# FROM nginx:1.27",
    "",
    "ENV A=b",
    'CMD ["x"]',
    "COPY . .",
    "RUN <<E\nFROM nginx:1.27\nE",
)


def _dockerfile(maker: ManifestMaker, writer: TextWriter) -> str:
    def slot(**around: str) -> str:
        reference = maker.whole(**around)  # type: ignore[arg-type]
        return writer.slot(reference.before, reference.after)

    lines = [f"ARG BASE={slot()}", "ARG UNUSED=nginx:1.27", f"FROM {slot()} AS build", "FROM ${BASE}"]
    more = [
        f"from --platform=linux/amd64 {slot()} as x", "FROM build", "FROM scratch", "COPY --from=build /a /",
        f"COPY --from={slot()} /a /", f"RUN --mount=type=bind,from={slot()},target=/m make",
        f"FROM ${{OTHER:-{slot()}}}",
    ]  # fmt: skip
    for line in maker.chance.sample(more, 4):
        lines += [line, *maker.chance.sample(_STEPS, 2)]
    return "\n".join(lines).replace("\n", writer.line_break) + writer.line_break


def generated_file(seed: str, number: int) -> GeneratedFile:
    """Return the file of a number in the tree of a seed."""
    chance = Random(f"{seed} {number}")
    maker, writer = ManifestMaker(chance, number), TextWriter(chance, chance.choice(["\n", "\n", "\r\n"]))
    shape = chance.choice([*SHAPES, "dockerfile"])
    if shape == "dockerfile":
        path, text = (
            f"docker/{number}/{chance.choice(['Dockerfile', 'Dockerfile.dev', 'app.Dockerfile'])}",
            _dockerfile(maker, writer),
        )
    else:
        path, make = SHAPES[shape]
        maker.can_mark = "json" not in shape
        documents = make(maker)
        is_json = "json" in shape
        text = writer.json({"items": documents}, comments=shape == "jsonc") if is_json else writer.yaml(documents)
    before, after = writer.both(text)
    return GeneratedFile(
        path.format(n=number),
        before.encode(),
        after.encode(),
        tuple(maker.named),
        frozenset(maker.left),
        tuple((f"charts/{number}/{name}", content) for name, content in maker.beside.items()),
    )
