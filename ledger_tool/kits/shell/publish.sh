# Every option of `ledger publish` is a variable, LEDGER_IN_ and its name. No shell parses a value.
[ -n "${LEDGER_REPO:-}" ] || {
  echo "error: LEDGER_REPO is not set; set it to the ledger's git URL" >&2
  exit 2
}
value_of() { printenv "LEDGER_IN_$(echo "$1" | tr '[:lower:]-' '[:upper:]_')" || true; }
lines=$(echo && echo .)
cr=$(awk 'BEGIN { printf "%c", 13 }')
IFS=${lines%.} # of the lists, which have one value on each line
set -f --
for name in branch tag digest platform metadata-file from source pr ttl registry reason forge; do
  value=$(value_of "$name")
  [ -z "$value" ] || set -- "$@" "--$name=$value"
done
for name in label pr-label pr-reviewer; do
  for value in $(value_of "${name}s" | tr -d "$cr"); do set -- "$@" "--$name=$value"; done
done
for name in force sign pull-request pr-draft; do
  case $(value_of "$name") in
    true) set -- "$@" "--$name" ;;
    '' | false) ;;
    *)
      echo "error: $name is neither true nor false; write one of the two, in lower case" >&2
      exit 2
      ;;
  esac
done
value=$(value_of image)
[ -z "$value" ] || set -- "$@" -- "$value"
ledger publish "$@"
