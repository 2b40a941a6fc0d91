"""Manifests in all their styles, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

keys = st.sampled_from(["name{n}", "spec{n}", "x-{n}", "image{n}", "'quoted {n}'", '"double{n}"', "5{n}"])
scalars = st.sampled_from(
    ["plain", "with space", "'single ''quote'", '"double \\" \\u00e9"', "1.10", "~", "", "no", "c:\\windows", "a#b",
     "'myorg/app:v1.5.0'", "é 😀", "{a: [1, 'x, y']}", "[a, {b: c}]", "&anchor v", "!!str 5", "!custom x"]
)  # fmt: skip
references = st.sampled_from(
    ["myorg/app:v1.5.0", "'myorg/app:v1.5.0'", '"myorg/app:v1.5.0"', "&a{n} myorg/app:v1.5.0", "!!str myorg/app:v1.5.0",
     "docker.io/nginx", "other/app:v1", "''", "[myorg/app:v1.5.0]"]
)  # fmt: skip
comments = st.sampled_from(["", "  ", " # c", "  # myorg/app:v1.5.0", " # ledger: ignore", "\t"])
breaks = st.sampled_from(["\n", "\r\n"])
folds = st.sampled_from(["|", ">-", ">"])
others = st.sampled_from([[""], ["# image: myorg/app:v1.5.0"], ["text: |", "{step}image: x", ""]])
steps, kinds, few = st.integers(1, 4), st.integers(0, 9), st.integers(1, 3)


@st.composite
def blocks(draw: st.DrawFn, depth: int = 0) -> list[str]:
    """Return the lines of a block mapping."""
    lines: list[str] = []
    step = " " * draw(steps)
    for at in range(draw(steps)):
        kind = draw(kinds)
        end = draw(comments)
        if kind < 3:
            lines.append(f"image: {draw(references).format(n=len(lines))}{end}")
        elif kind == 3:
            lines += [f"image: {draw(folds)}", f"{step}myorg/app:v1.5.0"]
        elif kind == 4:
            lines += ["image:", f"{step}repository: myorg/app{end}", f"{step}tag: v1.5.0{draw(comments)}"]
        elif kind == 5:
            lines.append("image: {repository: myorg/app, 'tag': 'v1.5.0'}" + end)
        elif kind == 6 and depth < 3:
            lines += [f"list{at}:{end.rstrip(chr(9))}"]
            for _ in range(draw(few)):
                first, *rest = draw(blocks(depth + 1))
                lines += [f"{step}- {first}", *(f"{step}  {line}" if line else "" for line in rest)]
        elif kind == 7 and depth < 3:
            lines += [f"map{at}:", *(f"{step}{line}" if line else "" for line in draw(blocks(depth + 1)))]
        elif kind == 8:
            lines += [line.format(step=step) for line in draw(others)]
        else:
            lines.append(f"{draw(keys).format(n=len(lines))}: {draw(scalars)}{end}")
    return lines


marks = st.sampled_from(["", "\ufeff"])
ends = st.sampled_from(["", "\n", "\n\n", "\n# end  "])


@st.composite
def manifests(draw: st.DrawFn) -> str:
    line_break = draw(breaks)
    documents = [line_break.join(draw(blocks())) for _ in range(draw(few))]
    return draw(marks) + f"{line_break}---{line_break}".join(documents) + draw(ends).replace("\n", line_break)
