# LEDGER_TOOL fixes to the byte what runs with the key: a wheel by its hash, a commit, or an image by its digest. Wheels
# and commits have the hashes of all that they need in them, so nothing is taken from an index because of its name.
set -e
refuse() {
  echo "error: LEDGER_TOOL $1; set it to https://HOST/PATH/ledger_tool-VERSION-py3-none-any.whl#sha256=HASH or the path of such a file, to git+https://HOST/PATH@COMMIT, or to REGISTRY/IMAGE@sha256:DIGEST" >&2
  exit 2
}
tool=${LEDGER_TOOL:-}
git='git[+]https://[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?/[A-Za-z0-9._~%+/@=-]+@[0-9a-f]{40}'
wheel='(https://[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?/)?([A-Za-z0-9._~%+/@=-]*/)?ledger_tool-[A-Za-z0-9._+%]+-py3-none-any[.]whl#sha256=[0-9a-f]{64}'
image='(([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?:[0-9]{1,5}|[A-Za-z0-9][A-Za-z0-9-]*[.]([A-Za-z0-9.-]*[A-Za-z0-9]))/)?[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?@sha256:[0-9a-f]{64}'
tool_is() { echo "$tool" | LC_ALL=C grep -Eqx -e "$1"; }
case $tool in
  '') refuse "is not set" ;;
  -* | *[!A-Za-z0-9._~%+/:@'#'=-]*) refuse "is malformed" ;;
esac
tool_is "$git" || tool_is "$wheel" || tool_is "$image" ||
  refuse "is not a wheel with its hash, a commit, or an image with its digest"
