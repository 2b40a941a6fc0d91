# Rebases the branches named `ledger/…`, which are those of requests, as far as they conflict with the base branch, whose
# tip is checked out. `ledger` leaves one alone that has a signed commit, whose signature would be lost, or a commit that
# it did not make: that is a person's. What is wrong with one branch stops none of the others.
code=0
git merge-tree --write-tree HEAD HEAD >/dev/null 2>&1 || {
  echo "error: git 2.38 or newer is needed to see what conflicts, and this is $(git --version); update it" >&2
  exit 2
}
[ "$(git rev-parse --is-shallow-repository)" = false ] || {
  echo "error: the checkout is shallow, and does not show what conflicts; let the job fetch all of the history" >&2
  exit 2
}
refs=$(git for-each-ref --format='%(refname)' refs/remotes/origin/ledger/)
for ref in $refs; do
  branch=${ref#refs/remotes/origin/}
  merged=0
  said=$(git merge-tree --write-tree HEAD "$ref" 2>&1) || merged=$?
  case $merged in
    0) continue ;;
    1) echo "$branch conflicts with the base branch" ;;
    *)
      if git merge-base HEAD "$ref" >/dev/null; then
        echo "error: git cannot tell whether $branch conflicts: $said" >&2
        code=$merged
      else
        echo "note: $branch is left alone, because it has nothing in common with the base branch"
      fi
      continue
      ;;
  esac
  rebased=0
  ledger rebase --repo "$LEDGER_REPO" --branch "$branch" --unattended || rebased=$?
  case $rebased in
    0) ;;
    3) echo "note: $branch is left for a person to decide" ;;
    *) code=$rebased ;;
  esac
done
