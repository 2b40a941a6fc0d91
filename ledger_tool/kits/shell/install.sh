# LEDGER_TOOL fixes to the byte what runs with the key: a wheel by its hash, a commit, or an image by its digest. Wheels
# and commits have the hashes of all that they need in them, so nothing is taken from an index because of its name.
set -e
refuse() {
  echo "error: LEDGER_TOOL $1; set it to https://HOST/PATH/ledger_tool-VERSION-py3-none-any.whl#sha256=HASH or the path of such a file, to git+https://HOST/PATH@COMMIT, or to REGISTRY/IMAGE@sha256:DIGEST" >&2
  exit 2
}
tool=${LEDGER_TOOL:-}
case $tool in
  '') refuse "is not set" ;;
  *[!A-Za-z0-9._~%+/:@'#'=-]* | -* | *'#'*'#'* | *://*@*://*) refuse "is malformed" ;;
  git+https://*@*) kind=git hash=${tool##*@} ;;
  https://*/ledger_tool-*.whl'#'sha256=*) kind=wheel hash=${tool##*=} ;;
  *://*) refuse "is not an https address of a wheel with its hash, or of a commit" ;;
  ledger_tool-*.whl'#'sha256=* | */ledger_tool-*.whl'#'sha256=*) kind=wheel hash=${tool##*=} ;;
  *@sha256:*) kind=image hash=${tool##*:} ;;
  *) refuse "is not a wheel with its hash, a commit, or an image with its digest" ;;
esac
case $kind:${#hash}:$hash in
  *:*:*[!0-9a-f]*) refuse "has a malformed hash" ;;
  git:40:* | wheel:64:* | image:64:*) ;;
  *) refuse "has an incomplete hash" ;;
esac
temp=${RUNNER_TEMP:-${WORKSPACE_TMP:-${CI_PROJECT_DIR:+$CI_PROJECT_DIR.tmp}}}
home=${temp:-$(mktemp -d)}/ledger-tool
# Without -I, Python takes modules from the folder that it is started in: a pull request's checkout.
isolated() { "$home/bin/python" -I "$@"; }
locked() {
  isolated -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes --requirement "$1"
}
packages() { isolated -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }
rm -rf "$home"
mkdir -p "$home/bin"
if [ "$kind" != image ]; then
  python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: ledger needs Python 3.11 or newer")'
  python3 -I -m venv "$home"
fi
case $kind in
  wheel)
    case $tool in https://* | /*) ;; *) tool=./$tool ;; esac
    echo "${tool%'#'*} --hash=sha256:$hash" >"$home/tool.txt"
    isolated -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement "$home/tool.txt"
    locked "$(packages)/ledger_tool/requirements.txt"
    ;;
  git)
    url=${tool#git+}
    git init --quiet "$home/source"
    git -C "$home/source" fetch --quiet --depth=1 --no-tags "${url%@*}" "$hash"
    git -C "$home/source" checkout --quiet --detach "$hash"
    locked "$home/source/ledger_tool/requirements.txt"
    echo "$home/source" >"$(packages)/ledger.pth"
    ;;
  image)
    if [ "$tool" = "${CI_JOB_IMAGE:-}" ]; then # GitLab runs this job in it
      program=$(command -v ledger)
      # shellcheck disable=SC2016 # for the shell that reads this file
      {
        echo '#!/bin/sh'
        echo 'for name in $(env | sed -n "s/=.*//; /^PYTHON[A-Z]*$/p"); do unset "$name"; done'
        echo 'exec "'"$program"'" "$@"'
      } >"$home/bin/ledger"
    else
      docker pull --quiet "$tool"
      # shellcheck disable=SC2016 # for the shell that reads this file
      {
        echo '#!/bin/sh'
        echo 'temp=${0%/*/bin/ledger} config=${DOCKER_CONFIG:-$HOME/.docker}'
        echo 'mkdir -p "$config"'
        echo "set -- $tool"' "$@"'
        echo 'for name in $(env | sed -n "s/=.*//; /^[A-Za-z_][A-Za-z0-9_]*$/p"); do'
        echo '  case $name in'
        echo '    LEDGER_TOOL) ;;'
        echo '    LEDGER_* | CI | CI_* | GIT_URL | GIT_COMMIT | JENKINS_URL | BUILD_* | CHANGE_* | GITHUB_[A-Z]* | GITLAB_* | GITEA_*) set -- --env="$name" "$@" ;;'
        echo '    https_proxy | http_proxy | no_proxy) set -- --env="$name" "$@" ;;'
        echo '  esac'
        echo 'done'
        echo 'set -- --volume="$PWD:$PWD" --workdir="$PWD" --volume="$temp:$temp" --volume="$config:/tmp/.docker:ro" "$@"'
        echo 'set -- --user="$(id -u):$(id -g)" --volume=/etc/passwd:/etc/passwd:ro --env=HOME=/tmp "$@"'
        echo 'exec docker run --rm --interactive --entrypoint=ledger "$@"'
      } >"$home/bin/ledger"
    fi
    ;;
esac
if [ "$kind" != image ]; then
  rm -f "$home/bin/ledger"
  # shellcheck disable=SC2016 # for the shell that reads this file
  {
    echo '#!/bin/sh'
    echo 'exec "${0%/*}/python" -I -m ledger_tool "$@"'
  } >"$home/bin/ledger"
fi
chmod +x "$home/bin/ledger"
PATH=$home/bin:$PATH
[ -z "${GITHUB_PATH:-}" ] || echo "$home/bin" >>"$GITHUB_PATH"
