"""Values with references in them, written as YAML or JSON in any style, before and after `pin`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

_PLAIN = re.compile(r"[A-Za-z/][\w./:@=-]*(?<!:)")
_WORDS = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
_SLOT = re.compile("\ue000(\\d+)\ue000")
_TAG_END = re.compile('\ue001([^\ue001]*)\ue001"')


@dataclass(frozen=True)
class Whole:
    """A reference in one string, as it is before and after."""

    before: str
    after: str
    mark: str = ""  # a comment that has to stand behind it
    anchor: str = ""


@dataclass(frozen=True)
class TagField:
    """A tag in a field of its own, whose digest goes into a field `digest` behind it."""

    tag: str
    digest: str


@dataclass(frozen=True)
class Alias:
    """An alias, or with `value`, a value with an anchor."""

    name: str
    value: Any = None


@dataclass
class TextWriter:
    """Writes texts; what differs before and after is in slots, which `both` fills."""

    chance: Random
    line_break: str = "\n"
    slots: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key_quote = self.chance.choice(["", "", "", '"', "'"])
        self.step = self.chance.choice([2, 2, 4])
        self.has_comments = self.chance.random() < 0.5

    def slot(self, before: str, after: str) -> str:
        """Return what stands for a text that differs."""
        self.slots.append((before, after))
        return f"\ue000{len(self.slots) - 1}\ue000"

    def both(self, text: str) -> tuple[str, str]:
        """Return a text before and after."""
        before = _SLOT.sub(lambda match: self.slots[int(match[1])][0], text)
        return before, _SLOT.sub(lambda match: self.slots[int(match[1])][1], text)

    def yaml(self, documents: Sequence[Any]) -> str:
        """Return documents as YAML."""
        texts = [self.line_break.join(self._block(document, "")) for document in documents]
        start = self.chance.choice(["", "", "---\n", "# image: nginx:1.27\n", "\ufeff", "\ufeff# c\n---\n"])
        joint = self.chance.choice(["\n---\n", "\n--- # next\n", "\n\n---\n\n"])
        end = self.chance.choice(["", "\n", "\n", "\n\n", "\n# the end"])
        start, joint, end = (part.replace("\n", self.line_break) for part in (start, joint, end))
        return start + joint.join(texts) + end

    def json(self, value: Any, *, comments: bool) -> str:
        """Return a value as JSON, with or without comments."""
        indent = self.chance.choice([None, 2, 4, "\t"])
        lines = []
        for line in json.dumps(self._for_json(value), indent=indent, ensure_ascii=False).split("\n"):
            margin = line[: len(line) - len(line.lstrip())]
            lead = f",{self.line_break}{margin}" if margin else ", "
            lines.append(_TAG_END.sub(partial(self._json_digest, lead), line))
            if comments and indent and self.chance.random() < 0.3 and "digest" not in lines[-1]:
                lines[-1] += self.chance.choice([' // c, "image": "nginx:1.27"', " /* c */", "\t// it's"])
        return self.line_break.join(lines) + self.line_break

    def _json_digest(self, lead: str, match: re.Match[str]) -> str:
        return '"' + self.slot("", f'{lead}"digest": "{match[1]}"')

    def _for_json(self, value: Any) -> Any:
        if isinstance(value, Whole):
            return self.slot(value.before, value.after)
        if isinstance(value, TagField):
            return f"{value.tag}\ue001{value.digest}\ue001"
        if isinstance(value, dict):
            return {key: self._for_json(inner) for key, inner in value.items()}
        return [self._for_json(inner) for inner in value] if isinstance(value, list) else value

    def _comment(self, value: Any = None) -> str:
        if isinstance(value, Whole) and value.mark:
            return f" {value.mark}"
        choices = ["", "", "  # c", "\t# behind a tab", " # image: nginx:1.27", " # registry.example.com/myorg/app:v9"]
        return self.chance.choice(choices) if self.has_comments else ""

    def _key(self, key: str) -> str:
        return f"{self.key_quote}{key}{self.key_quote}" if key != "<<" else key

    def _block(self, value: Any, indent: str) -> list[str]:
        if isinstance(value, dict):
            return [line for key, inner in value.items() for line in self._pair(key, inner, indent)]
        lines = []
        for item in value:
            if isinstance(item, dict | list) and item:
                first, *rest = self._block(item, f"{indent}  ")
                lines += [f"{indent}- {first.removeprefix(indent + '  ')}", *rest]
            else:
                lines.append(f"{indent}- {self._scalar(item)}{self._comment(item)}")
        return lines

    def _pair(self, key: str, value: Any, indent: str) -> Iterator[str]:
        lead = f"{indent}{self._key(key)}:"
        if isinstance(value, Alias) and value.value is not None:
            lead, value = f"{lead} &{value.name}", value.value
        if isinstance(value, TagField):
            added = f"{self.line_break}{indent}{self._key('digest')}: {value.digest}"
            yield f"{lead} {self._scalar(value.tag)}{self._comment()}{self.slot('', added)}"
        elif isinstance(value, dict | list) and value and _may_flow(value) and self.chance.random() < 0.2:
            yield from self._flow(lead, value, indent)
        elif isinstance(value, dict | list) and value:
            yield f"{lead}{self._comment()}"
            is_flush = isinstance(value, list) and self.chance.random() < 0.5
            yield from self._block(value, indent if is_flush else indent + " " * self.step)
        else:
            yield f"{lead} {self._scalar(value)}{self._comment(value)}"

    def _flow(self, lead: str, value: Any, indent: str) -> Iterator[str]:
        """Yield a mapping or a list in flow style: on one line, or one line for each of its values."""
        is_map = isinstance(value, dict)
        opening, closing = "{}" if is_map else "[]"
        pairs = [(f"{self._key(key)}: ", inner) for key, inner in value.items()] if is_map else [("", v) for v in value]
        if self.chance.random() < 0.5:
            yield f"{lead} {self._line(value)}{self._comment()}"
            return
        yield f"{lead} {opening}{self._comment()}"
        inside = indent + " " * self.step
        for at, (start, inner) in enumerate(pairs, 1):
            comma = "," if at < len(pairs) or self.chance.random() < 0.5 else ""
            comment = self._comment()
            if isinstance(inner, TagField):
                quote = self.chance.choice(['"', "'", ""])
                added = f"{self.line_break}{inside}{self._key('digest')}: {quote}{inner.digest}{quote}{comma}"
                comma = comma or self.slot("", ",")
                yield f"{inside}{start}{quote}{inner.tag}{quote}{comma}{comment}{self.slot('', added)}"
            else:
                yield f"{inside}{start}{self._line(inner)}{comma}{comment}"
        yield f"{indent}{closing}"

    def _line(self, value: Any) -> str:
        """Return a value in flow style on one line."""
        if isinstance(value, dict):
            parts = []
            for key, inner in value.items():
                if isinstance(inner, TagField):
                    quote = self.chance.choice(['"', "'", ""])
                    added = self.slot("", f", {self._key('digest')}: {quote}{inner.digest}{quote}")
                    parts.append(f"{self._key(key)}: {quote}{inner.tag}{quote}{added}")
                else:
                    parts.append(f"{self._key(key)}: {self._line(inner)}")
            blank = self.chance.choice(["", " "])
            return "{" + blank + ", ".join(parts) + blank + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self._line, value)) + "]"
        return self._scalar(value, in_flow=True)

    def _scalar(self, value: Any, *, in_flow: bool = False) -> str:
        if isinstance(value, Alias):
            return f"*{value.name} "
        if isinstance(value, Whole):
            can_be_plain = _PLAIN.fullmatch(value.before) and not in_flow
            quote = self.chance.choice(["", "", '"', "'"]) if can_be_plain else self.chance.choice(['"', "'"])
            anchor = f"&{value.anchor} " if value.anchor else ""
            return f"{anchor}{quote}{self.slot(value.before, value.after)}{quote}"
        if isinstance(value, str):
            is_plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
            return value if is_plain and self.chance.random() < 0.7 else json.dumps(value, ensure_ascii=False)
        return json.dumps(value)


def _may_flow(value: Any) -> bool:
    """Return whether a value can be in flow style: nothing in it has an anchor, or needs a line of its own."""
    if isinstance(value, dict | list):
        return all(map(_may_flow, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, Alias) and not (isinstance(value, Whole) and (value.mark or value.anchor))
