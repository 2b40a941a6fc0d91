# Every option of `ledger publish` is a variable, LEDGER_IN_ and its name; what may be repeated has one value on each line.
# Another LEDGER_IN_ is refused: what a job asks for is done, or said. No shell parses a value.
[ -n "${LEDGER_REPO:-}" ] || {
  echo "error: LEDGER_REPO is not set; set it to the ledger's git URL" >&2
  exit 2
}
values='branch bundle ca-file config digest forge from image index jobs max-attempts metadata-file platform pr published-at reason registry source tag timeout ttl'
lists='depends-on labels pr-labels pr-reviewers'
flags='dry-run force no-push offline pr-draft pull-request sign verbose'
# The nearest name is the one to which the fewest letters lead (the edit distance of Levenshtein).
awk -v known="$values $lists $flags" '
  function least(a, b) { return a < b ? a : b }
  function distance(a, b,    i, j, row, corner, above) {
    for (j = 0; j <= length(b); j++) row[j] = j
    for (i = 1; i <= length(a); i++) {
      corner = row[0]
      row[0] = i
      for (j = 1; j <= length(b); j++) {
        above = row[j]
        row[j] = least(least(above, row[j - 1]) + 1, corner + (substr(a, i, 1) != substr(b, j, 1)))
        corner = above
      }
    }
    return row[length(b)]
  }
  BEGIN {
    count = split(known, names, " ")
    for (i = 1; i <= count; i++) {
      names[i] = "LEDGER_IN_" toupper(names[i])
      gsub("-", "_", names[i])
      is_known[names[i]] = 1
    }
    for (name in ENVIRON) {
      if (name !~ /^LEDGER_IN_/ || name in is_known) continue
      best = -1
      for (i = 1; i <= count; i++) {
        far = distance(toupper(name), names[i])
        if (best < 0 || far < best) { best = far; nearest = names[i] }
      }
      print "error: " name " is not a variable of this job; did you mean " nearest "?"
      unknown = 1
    }
    exit unknown ? 2 : 0
  }
' >&2 || exit 2
value_of() {
  awk -v name="$1" 'BEGIN { name = "LEDGER_IN_" toupper(name); gsub("-", "_", name); printf "%s", ENVIRON[name] }'
}
set -f --
for name in $flags; do
  case $(value_of "$name") in
    true) set -- "$@" "--$name" ;;
    '' | false) ;;
    *)
      echo "error: $name is neither true nor false; write one of the two, in lower case" >&2
      exit 2
      ;;
  esac
done
image=
for name in $values; do
  value=$(value_of "$name")
  case $name in
    image) image=$value ;;
    *) [ -z "$value" ] || set -- "$@" "--$name=$value" ;;
  esac
done
lines=$(echo && echo .)
cr=$(awk 'BEGIN { printf "%c", 13 }')
for name in $lists; do
  given=$(value_of "$name" | tr -d "$cr" | sed 's/^[[:blank:]]*//; s/[[:blank:]]*$//')
  IFS=${lines%.}
  for value in $given; do set -- "$@" "--${name%s}=$value"; done
  unset IFS
done
[ -z "$image" ] || set -- "$@" -- "$image"
ledger publish "$@"
