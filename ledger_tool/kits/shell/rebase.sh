# Rebases the branches of requests that `ledger` made, as far as they conflict with the base branch, whose tip is checked
# out. One with a signed commit is left alone: its rebased commits would not be signed. So is one with a commit that
# `ledger` did not make: it is a person's. What is wrong with one branch stops none of the others.
code=0
git merge-tree --write-tree HEAD HEAD >/dev/null # git says why: before 2.38, it cannot tell what conflicts
[ "$(git rev-parse --is-shallow-repository)" = false ] || {
  echo "error: the checkout is shallow, and does not show what conflicts; let the job fetch all of the history" >&2
  exit 2
}
refs=$(git for-each-ref --format='%(refname)' refs/remotes/origin/ledger/)
for ref in $refs; do
  branch=${ref#refs/remotes/origin/}
  merged=0
  git merge-tree --write-tree HEAD "$ref" >/dev/null || merged=$?
  [ "$merged" != 0 ] || continue
  commits=$(git rev-list --count "HEAD..$ref")
  ours=$(git rev-list --count --no-merges -E --grep='^Transaction-Id: [0-9a-f]{16}$' "HEAD..$ref")
  if [ "$commits" != "$ours" ]; then
    echo "note: $branch is left alone, because it has a commit that ledger did not make"
    continue
  fi
  [ "$merged" = 1 ] || {
    echo "note: $branch is left alone, because git cannot tell whether it conflicts"
    continue
  }
  echo "$branch conflicts with the base branch"
  rebased=0
  ledger rebase --repo "$LEDGER_REPO" --branch "$branch" --unless-signed || rebased=$?
  case $rebased in
    0) ;;
    2 | 3 | 4) echo "note: $branch is left for a person to decide" ;;
    *) code=$rebased ;;
  esac
done
