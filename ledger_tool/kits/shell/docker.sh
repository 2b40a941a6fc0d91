# Starts `ledger` in the image that `tool` names, with the variables that it reads and the files that some of them name.
temp=${0%/*/bin/ledger} config=${DOCKER_CONFIG:-$HOME/.docker} mounted=/etc/passwd
mkdir -p "$config"
set -- "$tool" "$@"
for name in $(env | sed -n "s/=.*//; /^[A-Za-z_][A-Za-z0-9_]*$/p"); do
  case $name in
    LEDGER_TOOL) continue ;;
    LEDGER_* | CI | CI_* | *_proxy | *_PROXY | REQUESTS_CA_BUNDLE | SSL_CERT_* | GIT_SSL_CA* | GIT_AUTHOR_* | GIT_COMMITTER_*) ;;
    GH_* | GITHUB_* | GITLAB_* | GITEA_* | FORGEJO_* | JENKINS_URL | GIT_URL | GIT_COMMIT | BUILD_* | CHANGE_*) ;;
    TF_BUILD | SYSTEM_* | BITBUCKET_* | CIRCLE* | BUILDKITE*) ;;
    *) continue ;;
  esac
  set -- --env="$name" "$@"
  case $name in
    LEDGER_DEPLOY_KEY | LEDGER_KNOWN_HOSTS | REQUESTS_CA_BUNDLE | SSL_CERT_* | GIT_SSL_CA*) ;;
    *) continue ;;
  esac
  path=$(printenv "$name")
  case :$mounted: in *":$path:"*) continue ;; esac
  case $path in *:*) continue ;; esac # docker could not tell where it ends
  case $path in /*) [ -e "$path" ] || continue ;; *) continue ;; esac
  set -- --volume="$path:$path:ro" "$@"
  mounted=$mounted:$path
done
set -- --volume="$PWD:$PWD" --workdir="$PWD" --volume="$temp:$temp" --volume="$config:/tmp/.docker:ro" "$@"
set -- --user="$(id -u):$(id -g)" --volume=/etc/passwd:/etc/passwd:ro --env=HOME=/tmp "$@"
exec docker run --rm --interactive --entrypoint=ledger "$@"
