"""The file of a public key, judged by its bytes alone: what a review lets in has to be what a publish can use.

Sources: RFC 7468 (PEM), RFC 5280 and RFC 8017 (`SubjectPublicKeyInfo`, `RSAPublicKey`), RFC 5480 and SEC 1 (points of
the NIST curves), SP 800-186 (their equations), RFC 8410 and RFC 8032 (ed25519). No signature is checked here.
"""

from __future__ import annotations

import base64
import re

_LEAST_RSA_BITS, _MOST_RSA_BITS = 2048, 16384
_begin = re.compile(rb"-----BEGIN (?:RSA )?PUBLIC KEY-----")
_pem = re.compile(rb"-----BEGIN (RSA )?PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END (RSA )?PUBLIC KEY-----")
_INTEGER, _BITS, _NULL, _OID, _SEQUENCE = 0x02, 0x03, 0x05, 0x06, 0x30
_RSA, _EC, _ED25519 = "2a864886f70d010101", "2a8648ce3d0201", "2b6570"  # object identifiers, as DER has them
_CURVES = {  # by object identifier: P-256, P-384 and P-521 are `y² = x³ - 3x + b` modulo a prime
    "2a8648ce3d030107": (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    "2b81040022": (
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
    "2b81040023": (
        2**521 - 1,
        int(
            "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109"
            "e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
            16,
        ),
    ),
}
_P25519 = 2**255 - 19
_D25519 = -121665 * pow(121666, -1, _P25519) % _P25519

_NO_KEY = "it is not a public key in PEM"
_OTHER_KIND = "it is a key of a kind that is not supported: use ECDSA (P-256, P-384, P-521), RSA or ed25519"


def key_fault(raw: bytes) -> str:
    """Return what is wrong with the file of a public key, `""` if nothing is."""
    if b"PRIVATE KEY" in raw:
        return "it has a private key in it, which everybody who reads the ledger can use now: replace that key"
    if len(_begin.findall(raw)) > 1:
        return "it has more than one key: put each into a file of its own, and name them all as signers"
    pem = _pem.search(raw)
    if pem is None or pem[1] != pem[3]:
        return _NO_KEY
    try:
        der = base64.b64decode(b"".join(pem[2].split()), validate=True)
        return _rsa_fault(der) if pem[1] else _fault(der)
    except ValueError:
        return _NO_KEY


def _fault(der: bytes) -> str:
    algorithm, bits = _values(_only(der, _SEQUENCE), _SEQUENCE, _BITS)
    kind, *parameters = _sequence(algorithm)
    if kind[0] != _OID or bits[:1] != b"\0":
        raise ValueError("not a key's")
    key = bits[1:]
    match kind[1].hex():
        case oid if oid == _RSA and parameters == [(_NULL, b"")]:
            return _rsa_fault(key)
        case oid if oid == _ED25519 and not parameters:
            return _ed25519_fault(key)
        case oid if oid == _EC and len(parameters) == 1 and parameters[0][0] == _OID:
            curve = _CURVES.get(parameters[0][1].hex())
            return _point_fault(key, *curve) if curve else _OTHER_KIND
    return _OTHER_KIND


def _rsa_fault(der: bytes) -> str:
    modulus, exponent = (_number(part) for part in _values(_only(der, _SEQUENCE), _INTEGER, _INTEGER))
    size = modulus.bit_length()
    if size < _LEAST_RSA_BITS:
        return f"it is an RSA key of {size} bits: use one of {_LEAST_RSA_BITS} or more"
    if size > _MOST_RSA_BITS or exponent < 3 or not modulus % 2 or not exponent % 2:
        return "it is an RSA key that cannot be used: make another one"
    return ""


def _point_fault(point: bytes, prime: int, b: int) -> str:
    """Return what is wrong with a point of a curve, whole (`04 x y`) or compressed (`02 x` or `03 x`)."""
    size, form = (prime.bit_length() + 7) // 8, point[:1].hex()
    x, y = int.from_bytes(point[1 : 1 + size]), int.from_bytes(point[1 + size :])
    if len(point) != 1 + size * {"04": 2, "02": 1, "03": 1}.get(form, 0) or x >= prime or y >= prime:
        return _NO_KEY
    square = (x**3 - 3 * x + b) % prime
    is_on_curve = y * y % prime == square if form == "04" else pow(square, (prime - 1) // 2, prime) <= 1
    return "" if is_on_curve else _NO_KEY


def _ed25519_fault(key: bytes) -> str:
    """Return what is wrong with a point, also one of low order, of which anybody can make signatures."""
    if len(key) != 32:
        return _NO_KEY
    y = int.from_bytes(key, "little") % 2**255
    # A point's x follows from -x² + y² = 1 + d·x²·y². It is doubled three times: eight is the most a low order can be.
    square = (y * y - 1) * pow(_D25519 * y * y + 1, -1, _P25519) % _P25519
    if y >= _P25519 or pow(square, (_P25519 - 1) // 2, _P25519) > 1:
        return _NO_KEY
    for _ in range(3):
        y, square = _doubled(y, square)
    return "it is an ed25519 key of which anybody can make signatures: replace it" if y == 1 else ""


def _doubled(y: int, square: int) -> tuple[int, int]:
    """Return the `y` and the `x²` of twice a point of edwards25519."""
    product = _D25519 * square * y * y
    new_y = (y * y + square) * pow(1 - product, -1, _P25519) % _P25519
    new_square = 4 * square * y * y * pow(1 + product, -2, _P25519) % _P25519
    return new_y, new_square


def _number(content: bytes) -> int:
    if not content or content[0] >= 0x80 or (content[0] == 0 and content[1:2] < b"\x80" and len(content) > 1):
        raise ValueError("not a positive number")
    return int.from_bytes(content)


def _only(der: bytes, kind: int) -> bytes:
    (content,) = _values(der, kind)
    return content


def _values(der: bytes, *kinds: int) -> list[bytes]:
    """Return the contents of DER values that have to be of these kinds. Raises ValueError."""
    found = _sequence(der)
    if tuple(kind for kind, _ in found) != kinds:
        raise ValueError("other values")
    return [content for _, content in found]


def _sequence(der: bytes) -> list[tuple[int, bytes]]:
    """Return the kinds and contents of DER values that follow each other. Raises ValueError."""
    values: list[tuple[int, bytes]] = []
    while der:
        length, start = int.from_bytes(der[1:2]), 2
        if length >= 0x80:
            start += length - 0x80
            length = int.from_bytes(der[2:start])
            if length < 0x80 or der[2] == 0:
                raise ValueError("not the shortest form of a length")
        if len(der) < start + length or len(der) < 2:
            raise ValueError("cut short")
        values.append((der[0], der[start : start + length]))
        der = der[start + length :]
    if not values:
        raise ValueError("nothing")
    return values
