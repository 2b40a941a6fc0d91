# Lets the request of a deployment repository follow an environment: opens or updates it, if the environment has not the
# same as at the commit $BEFORE of the ledger. Nothing of that repository is checked out, and nothing of it runs.
code=0 changed=0
case $BEFORE in
  *[!0]*) ledger compare "$ENVIRONMENT@$BEFORE" "$ENVIRONMENT" || changed=$? ;;
  *) changed=1 ;; # a first push, or a first run: there is nothing to compare with
esac
case $changed in
  0) ;;
  1 | 2) # 2: the ledger has no such commit, as after a forced push; what is to be done shows without it
    rm -rf deployment
    git init --quiet deployment
    git -C deployment config remote.origin.url "$DEPLOYMENT"
    mkdir -p "deployment/$MANIFESTS"
    ledger bump "deployment/$MANIFESTS" --env "$ENVIRONMENT" --pull-request || code=$?
    ;;
  *) code=$changed ;;
esac
