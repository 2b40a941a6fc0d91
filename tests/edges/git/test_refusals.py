"""What a host refuses for good is told from what may work later, whatever names stand in its words."""

from __future__ import annotations

import pytest

from ledger_tool.edges.git.refusals import refusal_in, rule_in

FOR_GOOD = {
    "FATAL: W any ledger alice DENIED by fallthru": "by its rules",
    "FATAL: W any archived/ledger alice DENIED by refs/heads/main": "by its rules",
    "FATAL: W any maintenance alice DENIED by fallthru": "by its rules",
    "remote: Permission to team/maintenance-tools.git denied to bot.": "read but not write",
    "fatal: 'archived' does not appear to be a git repository": "was not found",
    "ERROR: This repository was archived so it is read-only.": "archived",
    "remote: You can't push code to an archived project.": "archived",
    "remote: fatal: pack exceeds maximum allowed size (4.00 KiB)": "no more data",
    "remote: This repository has exceeded its size limit of 10 GB by 1 MB": "no more data",
    "remote: TF402462: The push was rejected because its size is greater than the 5120 MB limit": "no more data",
    "remote: Forgejo: Quota exceeded": "no more data",
    "error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413": "HTTP 413",
    "error: RPC failed; HTTP 411 curl 22 The requested URL returned error: 411": "HTTP 411",
    "remote: Access to this repository has been disabled by GitHub staff.": "disabled",
    "remote: Your account has been blocked.": "disabled",
    "remote: Git access over HTTP is not allowed": "disabled",
    "ERROR: The `acme' organization has enabled or enforced SAML SSO.": "organization",
    "remote: You can't push code to a read-only GitLab instance.": "is read-only",
    "remote: Gitea: mirror repository is read-only": "is read-only",
    "ERROR: The key you are authenticating with has been marked as read only.": "read but not write",
    "remote: Repository not found.": "was not found",
    "remote: The project you were looking for could not be found or you don't have permission": "was not found",
    "Host key verification failed.": "host key of there is unknown",
    "git@host: Permission denied (publickey).": "does not accept the key",
    "Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures": "does not accept the key",
    "Unable to negotiate with 192.0.2.1 port 22: no matching host key type found.": "no algorithm in common",
    "fatal: unable to access 'https://host/maintenance.git/': The requested URL returned error: 403": "credentials",
    "fatal: could not read Username for 'https://host': terminal prompts disabled": "credentials",
    "fatal: unable to access 'https://host/a.git/': The requested URL returned error: 402": "refuses the request",
}
WRONG = {
    "fatal: dumb http transport does not support shallow capabilities": "plain files",
    "fatal: https://host/a.git/info/refs not valid: is this a git repository?": "not the address",
    "/home/me/.ssh/config: line 3: Bad configuration option: foo": "your settings",
}
FOR_NOW = (
    "fatal: unable to access 'https://host/archived/a.git/': Could not resolve host: host",
    "fatal: unable to access 'https://disabled.example.com/a/': Failed to connect to disabled.example.com port 443",
    "ssh: Could not resolve hostname archived.example.com: Name or service not known",
    "ssh: connect to host disabled.example.com port 22: Connection refused",
    "Warning: Permanently added the ECDSA host key for IP address '192.0.2.1' to the list of known hosts.",
    "remote: You have exceeded a secondary rate limit.\nfatal: unable to access 'https://h/': returned error: 403",
    "remote: GitLab is in read-only maintenance mode, try again later",
    "remote: The repository is temporarily locked",
    "fatal: unable to access 'https://host/a.git/': The requested URL returned error: 429",
    "fatal: unable to access 'https://host/a.git/': The requested URL returned error: 503",
    "error: RPC failed; HTTP 504 curl 22 The requested URL returned error: 504",
    "kex_exchange_identification: Connection closed by remote host",
    "fatal: the remote end hung up unexpectedly",
    "remote: error: operation exceeded its time limit",
)


@pytest.mark.parametrize(("words", "says"), [*FOR_GOOD.items(), *WRONG.items()])
def test_what_is_refused_for_good_is_said_with_what_to_do(words: str, says: str) -> None:
    refusal = refusal_in(words)
    assert refusal
    error = refusal.error("there", words)
    assert says in error.message
    assert error.exit_code == (2 if words in WRONG else 6)
    assert error.hint


@pytest.mark.parametrize("words", FOR_NOW)
def test_what_may_work_later_is_no_refusal(words: str) -> None:
    assert (refusal_in(words), rule_in(words)) == (None, None)


def test_a_rule_about_a_push_is_told_from_a_hook_that_may_change_its_mind() -> None:
    assert rule_in("[remote rejected] (protected branch hook declined)") == ""
    assert "bare" in str(rule_in("[remote rejected] (branch is currently checked out)"))
    assert "--sign" in str(rule_in("remote: Commits must be signed"))
    assert "raise the limit" in str(rule_in("[remote rejected] (unpacker error); pack exceeds maximum allowed size"))
    assert rule_in("[remote rejected] (pre-receive hook declined); ticket 7 does not exist") is None
    assert rule_in("[remote rejected] (cannot lock ref 'refs/heads/main': is at X but expected Y)") is None
