"""The scripts that teach a shell to complete our command lines, and what they are told.

A script calls `ledger completion SHELL -- WORDS…` and gets one line for each completion of the last word: the whole
word and, after a tab, what it is. One that ends in `:` or `=` is not yet whole. The line `:files` leaves it to the
shell. Nothing that comes back is evaluated, and every name in it is checked before (`core.ledger.recorded`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

FILES = ":files"

# Bash splits words at its COMP_WORDBREAKS, among them `:` and `=`: they are put together again, and what stands before
# the last of these is left out of the answers.
_BASH = r"""
_ledger_complete() {
  local rest=${COMP_LINE:0:COMP_POINT} trimmed word words=() lines=() breaks='' head='' line at
  for ((at = 0; at <= COMP_CWORD; at++)); do
    word=${COMP_WORDS[at]}
    trimmed=${rest#"${rest%%[![:space:]]*}"}
    if ((at == COMP_CWORD)); then word=$trimmed; fi
    if ((at > 0)) && [[ $trimmed == "$rest" ]]; then words[-1]+=$word; else words+=("$word"); fi
    rest=${trimmed#"$word"}
  done
  word=${words[-1]}
  if [[ $COMP_WORDBREAKS == *:* ]]; then breaks+=:; fi
  if [[ $COMP_WORDBREAKS == *=* ]]; then breaks+='='; fi
  if [[ $breaks && $word != [\"\']* ]]; then head=${word%"${word##*["$breaks"]}"}; fi
  COMPREPLY=()
  mapfile -t lines < <(command ledger completion bash -- "${words[@]:1}" 2>/dev/null </dev/null)
  if [[ ${lines[0]-} == :files ]]; then
    compopt -o default
    return
  fi
  for line in "${lines[@]}"; do
    line=${line%%$'\t'*}
    if [[ $line == *[:=] ]]; then compopt -o nospace; fi
    COMPREPLY+=("${line#"$head"}")
  done
}
complete -F _ledger_complete ledger
"""

_ZSH = r"""
#compdef ledger
_ledger() {
  local -a lines whole begun whole_text begun_text
  local line value text
  lines=("${(@f)$(command ledger completion zsh -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)}")
  if [[ $lines[1] == :files ]]; then
    if [[ $PREFIX == --*=* ]]; then compset -P '*='; fi
    _files
    return
  fi
  for line in $lines; do
    value=${line%%$'\t'*}
    text=$value
    if [[ $line == *$'\t'* ]]; then text="${(r:24:)value} -- ${line#*$'\t'}"; fi
    if [[ $value == *[:=] ]]; then
      begun+=("$value") begun_text+=("$text")
    else
      whole+=("$value") whole_text+=("$text")
    fi
  done
  if (($#whole)); then compadd -l -d whole_text -a -- whole; fi
  if (($#begun)); then compadd -l -S '' -d begun_text -a -- begun; fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _ledger "$@"; else compdef _ledger ledger; fi
"""

_FISH = r"""
function __ledger_complete
    set -l before (commandline --tokenize --current-process --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -e before[1]
    set -l lines (command ledger completion fish -- $before "$current" 2>/dev/null </dev/null)
    if test "$lines[1]" = :files
        __fish_complete_path "$current"
    else
        string join \n -- $lines
    end
end
complete --command ledger --no-files --arguments '(__ledger_complete)'
"""

SCRIPTS = {"bash": _BASH.strip(), "zsh": _ZSH.strip(), "fish": _FISH.strip()}


def lines(completions: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a line for each word and what it is, which may be `""`: only the first sentence, without Markdown."""
    for word, text in completions:
        first = re.split(r"(?<=[.;:])\s|\s+\[(?:default|env): |\n\n", text.strip())[0]
        plain = " ".join(re.sub(r"[`*]", "", first).split()).rstrip(".;:")
        yield f"{word}\t{plain}" if plain else word
