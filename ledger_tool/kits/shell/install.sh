# Installs `ledger` as LEDGER_TOOL names it, in a folder outside of the checkout, and puts it into PATH.
@tool.sh@
temp=${RUNNER_TEMP:-${WORKSPACE_TMP:-${CI_PROJECT_DIR:+$CI_PROJECT_DIR.tmp}}}
home=${temp:-$(mktemp -d)}/ledger-tool
# Without -I, Python takes modules from the folder that it is started in: a pull request's checkout.
isolated() { "$home/bin/python" -I "$@"; }
locked() {
  isolated -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes --requirement "$1"
}
isolated_program() {
  # shellcheck disable=SC2016 # for the shell that reads this file
  {
    echo '#!/bin/sh'
    echo 'exec "${0%/*}/python" -I -m ledger_tool "$@"'
  } >"$home/tool"
}
packages() { isolated -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }
rm -rf "$home"
mkdir -p "$home/bin"
if ! tool_is "$image"; then
  python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: ledger needs Python 3.11 or newer")'
  python3 -I -m venv "$home"
fi
# shellcheck disable=SC2016 # for the shells that read these files
if tool_is "$wheel"; then
  case $tool in https://* | /*) ;; *) tool=./$tool ;; esac
  case $tool in https://*) ;; *) [ -e "${tool%'#'*}" ] || refuse "names a wheel that is not there" ;; esac
  echo "${tool%'#'*} --hash=sha256:${tool##*=}" >"$home/tool.txt"
  isolated -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement "$home/tool.txt"
  locked "$(packages)/ledger_tool/requirements.txt"
  isolated_program
elif tool_is "$git"; then
  url=${tool#git+}
  git init --quiet "$home/source"
  git -C "$home/source" fetch --quiet --depth=1 --no-tags "${url%@*}" "${tool##*@}"
  git -C "$home/source" checkout --quiet --detach "${tool##*@}"
  locked "$home/source/ledger_tool/requirements.txt"
  echo "$home/source" >"$(packages)/ledger.pth"
  isolated_program
elif [ "$tool" = "${CI_JOB_IMAGE:-}" ]; then # GitLab runs this job in it
  program=$(command -v ledger)
  {
    echo '#!/bin/sh'
    echo 'for name in $(env | sed -n "s/=.*//; /^PYTHON[A-Z]*$/p"); do unset "$name"; done'
    echo 'exec "'"$program"'" "$@"'
  } >"$home/tool"
else
  docker pull --quiet "$tool"
  {
    echo '#!/bin/sh'
    echo "tool=$tool"
    echo '
      @docker.sh@
    '
  } >"$home/tool"
fi
mv "$home/tool" "$home/bin/ledger"
chmod +x "$home/bin/ledger"
PATH=$home/bin:$PATH
[ -z "${GITHUB_PATH:-}" ] || echo "$home/bin" >>"$GITHUB_PATH"
