"""The functions of Helm's templates that return what they are given, or a part of it.

All others print their arguments in some way, which needs no function here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ledger_tool.core.manifests.charts.flow import ValueFlow, union
from ledger_tool.core.manifests.charts.gotemplate import TemplateOperand
from ledger_tool.core.manifests.charts.paths import SOME, Path
from ledger_tool.core.manifests.charts.texts import (
    Texts,
    bounded,
    chosen,
    first_set,
    joined,
    literal_text,
    made_of,
)

_MOST_CHOICES = 100
_VERB = re.compile(r"%(?:(?P<plain>[sv])|%|.)", re.DOTALL)
_VERSIONS = ("tag", "imageTag", "version", "digest", "sha", "imageDigest")


class TemplateArgument(NamedTuple):
    """An argument of a function: as written, unless it is piped, and what it may be."""

    operand: TemplateOperand | None
    flow: ValueFlow

    @property
    def literal(self) -> str:
        """The text that is written there, or `""` for anything else."""
        return self.operand.text if self.operand and self.operand.kind == "text" else ""


def _any_of(given: Sequence[TemplateArgument]) -> ValueFlow:
    """Return what has something of all, apart from words that only say what is wanted of them."""
    return union([argument.flow for argument in given if not argument.literal])


def _unchanged(given: Sequence[TemplateArgument]) -> ValueFlow:
    """Return the last argument as a text, as `quote` does: the others say how."""
    used = _any_of(given).used
    return ValueFlow(made_of=used, texts=given[-1].flow.shown)


def _required(given: Sequence[TemplateArgument]) -> ValueFlow:
    return given[-1].flow


def _and(given: Sequence[TemplateArgument]) -> ValueFlow:
    """Return the first that is empty, or the last."""
    return _any_of(given).as_text(bounded([*literal_text(""), *given[-1].flow.shown]))


def _printed(given: Sequence[TemplateArgument]) -> ValueFlow:
    return ValueFlow(made_of=_any_of(given).used, texts=joined([argument.flow.shown for argument in given]))


def _formatted(given: Sequence[TemplateArgument]) -> ValueFlow:
    """Return what `printf` prints."""
    used = _any_of(given).used
    form, rest = given[0], list(given[1:])
    if not form.literal:
        return ValueFlow(made_of=used)
    parts: list[Texts] = []
    end = 0
    for verb in _VERB.finditer(form.literal):
        parts.append(literal_text(form.literal[end : verb.start()]))
        end = verb.end()
        if verb[0] == "%%":
            parts.append(literal_text("%"))
        elif not rest:
            return ValueFlow(made_of=used)
        else:
            shown = rest.pop(0).flow
            parts.append(shown.shown if verb["plain"] or verb[0] == "%q" else made_of(shown.used))
    parts.append(literal_text(form.literal[end:]))
    return ValueFlow(made_of=used, texts=made_of(used) if rest else joined(parts))


def _with_separators(given: Sequence[TemplateArgument]) -> ValueFlow:
    """Return what `join` prints of a list that is written there."""
    used = _any_of(given).used
    items = given[-1].flow.items
    if len(given) != 2 or not items or given[-1].flow != ValueFlow(items=items):
        return ValueFlow(made_of=used)
    between = given[0].flow.shown
    return ValueFlow(made_of=used, texts=joined([part for item in items for part in (between, item.shown)][1:]))


def _first_set(given: Sequence[TemplateArgument]) -> ValueFlow:
    """Return the first that is set, as `coalesce` does: of an image with a tag and a digest, the first of the two."""
    if len(given) > _MOST_CHOICES:
        return _any_of(given).printed()
    flows: list[ValueFlow] = []
    for argument in given:
        (path,) = argument.flow.paths if len(argument.flow.paths) == 1 else ((),)
        if not any(path[:-1] == known[:-1] for flow in flows for known in flow.paths if _is_version(path, known)):
            flows.append(argument.flow)
    return union(flows).as_text(first_set([argument.flow.shown for argument in given]))


def _is_version(*paths: Path) -> bool:
    return all(path and path[-1] in _VERSIONS for path in paths)


def _defaulted(given: Sequence[TemplateArgument]) -> ValueFlow:
    return _first_set([*given[1:], given[0]])


def _chosen(given: Sequence[TemplateArgument]) -> ValueFlow:
    """Return one of two, as `ternary` does: which, nobody knows, if the condition asks for something else."""
    both, condition = union([argument.flow for argument in given[:2]]), _any_of(given[2:])
    others = {path for path in condition.used if path not in both.used}
    texts = (
        chosen(condition.shown, *(argument.flow.shown for argument in given[:2]))
        if len(given) == 3
        else made_of(both.used)
    )
    used = frozenset((*path[:-1], SOME) for path in both.used if path) if others else both.used
    return (ValueFlow(made_of=used) if others else both).as_text(texts)


def _indexed(given: Sequence[TemplateArgument]) -> ValueFlow:
    flow = given[0].flow
    for key in given[1:]:
        number = key.operand.text if key.operand and key.operand.kind == "number" else ""
        is_list = flow == ValueFlow(items=flow.items)
        if is_list and number.isdecimal() and int(number) < len(flow.items):
            flow = flow.items[int(number)]
        else:
            flow = flow.field(key.literal or SOME)
    return flow


def _dug(given: Sequence[TemplateArgument]) -> ValueFlow:
    *keys, default, mapping = given if len(given) > 2 else [*given, *given]
    found = _indexed([mapping, *keys])
    return union([found, default.flow]).as_text(first_set([found.shown, default.flow.shown]))


def _dict(given: Sequence[TemplateArgument]) -> ValueFlow:
    pairs = zip(given[::2], given[1::2], strict=False)
    return ValueFlow(named=tuple((key.literal or SOME, value.flow) for key, value in pairs))


def _list(given: Sequence[TemplateArgument]) -> ValueFlow:
    return ValueFlow(items=tuple(argument.flow for argument in given))


def _extended(given: Sequence[TemplateArgument]) -> ValueFlow:
    return union([given[0].flow, _list(given[1:])])


def _with_key(given: Sequence[TemplateArgument]) -> ValueFlow:
    return union([given[0].flow, _dict(given[1:])])


def _hashed(given: Sequence[TemplateArgument]) -> ValueFlow:
    """Return what a checksum is: it changes with the text, and has nothing of it."""
    return ValueFlow(made_of=_any_of(given).used, texts=literal_text("0"))


# What they say of a value stays the same with a digest behind it, or it is read again.
HARMLESS = frozenset(
    {"empty", "fail", "fromJson", "fromYaml", "fromYamlArray", "hasKey", "include", "kindIs", "kindOf", "lookup"}
    | {"mustFromJson", "not", "tpl", "typeIs", "typeIsLike", "typeOf"}
)
CHANGES = ("set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite")
FUNCTIONS: dict[str, Callable[[Sequence[TemplateArgument]], ValueFlow]] = {
    **dict.fromkeys(("index", "get"), _indexed),
    **dict.fromkeys(("first", "mustFirst", "last", "mustLast"), lambda given: given[0].flow.field(SOME)),
    **dict.fromkeys(("append", "mustAppend", "prepend", "mustPrepend"), _extended),
    **dict.fromkeys(("list", "tuple"), _list),
    **dict.fromkeys(("coalesce", "or"), _first_set),
    **dict.fromkeys(
        ("quote", "squote", "toString", "trim", "indent", "nindent", "toYaml", "toJson", "toRawJson"), _unchanged
    ),
    **dict.fromkeys(("adler32sum", "sha1sum", "sha256sum", "sha512sum"), _hashed),
    "print": _printed,
    "printf": _formatted,
    "join": _with_separators,
    "required": _required,
    "and": _and,
    "default": _defaulted,
    "ternary": _chosen,
    "dict": _dict,
    "dig": _dug,
    "set": _with_key,
    **dict.fromkeys(
        ("deepCopy", "mustDeepCopy", "omit", "pick", "unset",
         "values", "concat", "rest", "mustRest", "initial", "mustInitial", "compact", "mustCompact", "uniq", "mustUniq",
         "reverse", "mustReverse", "without", "mustWithout", "merge", "mergeOverwrite", "mustMerge",
         "mustMergeOverwrite"),
        _any_of,
    ),
}  # fmt: skip
