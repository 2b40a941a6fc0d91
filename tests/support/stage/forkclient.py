"""Stands for `PYTHON FLAG -m MODULE`: `python -IS forkclient.py SOCKET PYTHON FLAG -m MODULE ARGUMENTS...`.

It asks the fork server at SOCKET (`tests.support.stage.forkserver`) for a process that has loaded its modules already,
gives it what a new process inherits, passes signals on, and ends as that process does. Where it inherited something
that cannot be given away, such as a terminal, a fourth open file, or a limit, it becomes the real program.

Only built-in modules are imported: it has to start in a fraction of the time of what it stands for.
"""

import _signal  # type: ignore[import-not-found]
import _socket
import posix
import sys

LOCALE = {b"LC_ALL": b"C.UTF-8"}
# The C library, Python and OpenSSL read these when a process starts; of them, the server has the locale alone.
_READ_AT_START = (b"LC_", b"LANG", b"LOCPATH", b"LD_", b"MALLOC_", b"GLIBC_", b"OPENSSL_", b"COVERAGE_")
_OF_STATUS = (b"Uid", b"Gid", b"Groups", b"SigBlk", b"SigIgn", b"Cap", b"NoNewPrivs", b"Seccomp")
_PASSED_ON = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGTERM)
REFUSED = b"real"


def inherited() -> bytes:
    """Return what this process inherited and cannot give away: the server has to have the same."""
    status = [line for line in _content("/proc/self/status").split(b"\n") if line.startswith(_OF_STATUS)]
    return b"\n".join([*status, _content("/proc/self/limits")])


def _content(path: str) -> bytes:
    file = posix.open(path, posix.O_RDONLY)
    try:
        return b"".join(iter(lambda: posix.read(file, 65536), b""))
    finally:
        posix.close(file)


def _is_usual() -> bool:
    """Tell whether this process has the server's locale, no more than the three standard files, and no terminal."""
    read = {name: value for name, value in posix.environ.items() if name.startswith(_READ_AT_START)}
    files = posix.listdir("/proc/self/fd")  # the folder itself is the fourth
    return read == LOCALE and sorted(files) == ["0", "1", "2", "3"] and not any(map(posix.isatty, range(3)))


def _request(arguments: list[str]) -> bytes:
    umask = posix.umask(0o077)
    posix.umask(umask)
    words = [word.encode("utf-8", "surrogateescape") for word in arguments]
    environment = [b"=".join(item) for item in posix.environ.items()]
    fields = [inherited(), posix.getcwdb(), b"%d" % umask, b"%d" % len(words), *words, *environment]
    text = b"\0".join(fields)
    return len(text).to_bytes(4, "big") + text


def _answer(path: str, arguments: list[str]) -> bytes:
    """Have the server make the process; return how that ended, as waitpid(2) says it, or `REFUSED` if it makes none."""
    try:
        request = _request(arguments)
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        connection.connect(path)
    except OSError:
        return REFUSED
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _PASSED_ON)  # until they can be passed on
    before = [
        _signal.signal(number, lambda number, _frame: connection.sendall(bytes([number]))) for number in _PASSED_ON
    ]
    files = b"".join(file.to_bytes(4, sys.byteorder) for file in range(3))
    sent = connection.sendmsg([request], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
    if sent < len(request):  # one that has the whole request may have refused it by now
        connection.sendall(request[sent:])
    _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
    if (answer := connection.recv(4)) == REFUSED:
        for number, disposition in zip(_PASSED_ON, before, strict=True):
            _signal.signal(number, disposition)
    return answer


def main() -> None:
    """Do what the real program does, and end."""
    if _signal.getsignal(_signal.SIGINT) is not _signal.SIG_IGN:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    path, *command = sys.argv[1:]
    answer = _answer(path, command[4:]) if _is_usual() else REFUSED
    if answer == REFUSED:
        for number in (_signal.SIGPIPE, _signal.SIGXFSZ):  # Python ignores them, and that would be inherited
            _signal.signal(number, _signal.SIG_DFL)
        posix.execve(command[0], command, posix.environ)
    status = int.from_bytes(answer, "big") if answer else _signal.SIGKILL
    if posix.WIFSIGNALED(status):
        number = posix.WTERMSIG(status)
        if number in _PASSED_ON:
            _signal.signal(number, _signal.SIG_DFL)
        posix.kill(posix.getpid(), number)
    posix._exit(posix.WEXITSTATUS(status))


if __name__ == "__main__":
    main()
