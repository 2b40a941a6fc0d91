"""The regular expressions of the parts of a tag that `version` reads as a version."""

from __future__ import annotations

import re

_DAY = r"(?:19|20)[0-9]{2}(?P<dash>-?)(?:0[1-9]|1[0-2])(?P=dash)(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[T._-][0-9]{1,6}(?![0-9])|[0-9]{4}(?:[0-9]{2})?(?![0-9]))*Z?"
_COMMIT = r"(?:sha[.-]?|g)?(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{7,40}"
_EARLY = "alpha|beta|rc|cr|preview|pre|dev|snapshot|nightly|canary|next|ea|milestone"
_COUNTER = "revision|rebuild|rev|r|ls|build|bld|post|patch|security|cu|hotfix|fix|hf|sp|p"
FIRST = "hotfix|patch|rebuild"  # the first of its kind, which comes before one with a number
_COUNTED = "k3s|rke2r|rancher|eksbuild|gke|ce|ee"
_END = "(?=[-_]|$)"  # of a stage or a rebuild

PREFIX = re.compile(
    r"(?![vV]?[0-9])(?:[A-Za-z][A-Za-z0-9]*(?:\.[0-9]+)*[._-])*?[A-Za-z][A-Za-z0-9]*(?:\.[0-9]+)*"
    rf"(?:[_-](?=[vV]?[0-9]+\.)|[._-](?=[vV]?{_DAY}))"  # a lone number after a name may be anything
)
NUMBER = re.compile(r"[vV]?(?:0|[1-9][0-9]{0,3})(?:\.[0-9]+)*(?![0-9])")
DATE = re.compile(rf"[vV]?(?P<day>{_DAY}){_TIME}(?![0-9A-Za-z])")
STAGE = re.compile(
    rf"-(?:(?:{_EARLY})[.-]?[0-9]*(?:\.[0-9A-Za-z]+)*|[abm][0-9]+(?:\.[0-9A-Za-z]+)*"
    rf"|{_DAY}{_TIME}|[0-9]+(?:\.(?:[0-9]+|(?:{_EARLY})[0-9]*)(?=[-_.]|$))*|{_COMMIT}){_END}"
    rf"|(?:[._]?(?:{_EARLY})[._]?[0-9]+|[._](?:{_EARLY})|[abm][0-9]+){_END}",
    re.IGNORECASE,
)
COMMIT = re.compile(rf"(?<![0-9A-Za-z]){_COMMIT}(?![0-9A-Za-z])")
DESCRIBED = re.compile(rf"-[0-9]+[.-]g[0-9a-f]{{7,40}}{_END}")  # by `git describe`
REBUILD = re.compile(
    rf"(?:_[0-9]+(?:\.[0-9]+)*|u[0-9]+(?:-b[0-9]+)?|p[0-9]+|[._-](?:(?:{_COUNTER})[.-]?[0-9]+|{FIRST})){_END}",
    re.IGNORECASE,
)
SUFFIX = re.compile(r"(?:[-_.][A-Za-z0-9]+)*")
TAIL = re.compile(
    rf"(?P<counted>-(?:{_COUNTED}))\.?[0-9]+(?:[.-][0-9]+)*$"
    rf"|[._-](?:(?:{_COUNTER})[.-]?[0-9]+|{FIRST}|{_DAY}{_TIME}|{_COMMIT})$",
    re.IGNORECASE,
)
ARCHITECTURE = re.compile(
    r"amd64|x86_64|x64|i?386|arm(?:32|64)?(?:v[5-9])?|aarch64|ppc64le|s390x|riscv64|mips64le|loong64"
)
