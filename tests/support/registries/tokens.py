"""A token server that follows the Docker token protocol and signs for a real registry, and one that only pretends."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.support.registries.wire import Asked, Reply, Script, as_json


@dataclass(frozen=True)
class TokenKeys:
    """The key that signs, and the certificate that the registry trusts."""

    certificate: Path
    key: Path

    @classmethod
    def make(cls, folder: Path) -> TokenKeys:
        """Make a key and a self-signed certificate of it."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder / "token.pem", folder / "token.key")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=token",
             "-keyout", str(made.key), "-out", str(made.certificate)],
            check=True, capture_output=True,
        )  # fmt: skip
        return made

    def token(self, scopes: list[str], *, audience: str = "registry", issuer: str = "test") -> str:
        """Return a signed JSON web token (RFC 7519) that grants these scopes (distribution, "Token Authentication")."""
        body = self.certificate.read_text().partition("-----BEGIN CERTIFICATE-----")[2]
        certificate = "".join(body.partition("-----END CERTIFICATE-----")[0].split())
        now = int(time.time())
        access = [
            {"type": kind, "name": name, "actions": actions.split(",")}
            for kind, name, actions in (scope.split(":") for scope in scopes)
        ]
        claims = {"iss": issuer, "sub": "user", "aud": audience, "exp": now + 300, "nbf": now - 60, "iat": now}
        head = {"typ": "JWT", "alg": "RS256", "x5c": [certificate]}
        text = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims | {"jti": "1", "access": access}))
        signed = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", str(self.key)], input=text.encode(), check=True, capture_output=True
        )
        return f"{text}.{_encoded(signed.stdout)}"


def token_script(keys: TokenKeys, *, user: str, password: str, may_write: bool = True) -> Script:
    """Return a wire script that gives whoever has the password what they ask for, and everybody else 401.

    Unless one `may_write`, that is a pull at most.
    """
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def answer(asked: Asked) -> Reply:
        if asked.authorization != wanted:
            return as_json({"details": "incorrect username or password"}, 401)
        query = parse_qs(urlsplit(asked.path).query)
        scopes = query.get("scope", [])
        granted = scopes if may_write else [f"{scope.rpartition(':')[0]}:pull" for scope in scopes]
        return as_json({"token": keys.token(granted), "expires_in": 300})

    return answer


def unsigned_token(claims: object) -> str:
    """Return a JSON web token with these claims that nobody has signed."""
    return f"e30.{_encoded(json.dumps(claims).encode())}.x"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
