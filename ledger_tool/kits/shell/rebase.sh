# Rebases the open requests that `ledger` made, as far as they conflict with the base branch, whose tip is checked out.
# One with a signed commit is left alone: its rebased commits would not be signed. So are the branches of people.
code=0
for ref in $(git for-each-ref --format='%(refname)' refs/remotes/origin/ledger/); do
  branch=${ref#refs/remotes/origin/}
  conflicts=0
  git merge-tree --write-tree HEAD "$ref" >/dev/null || conflicts=$?
  case $conflicts in
    0) continue ;;
    1) ;;
    *) # git says why: before 2.38, it cannot tell
      code=$conflicts
      continue
      ;;
  esac
  echo "$branch conflicts with the base branch"
  rebased=0
  ledger rebase --repo "$LEDGER_REPO" --branch "$branch" --unless-signed || rebased=$?
  case $rebased in
    0) ;;
    3) echo "note: $branch is left for a person to decide" ;;
    *) code=$rebased ;;
  esac
done
