"""Tokens that somebody else issues (JWT): one algorithm, one key in a file, and no key from anywhere else.

Imported by a service that has a key file alone, as its library takes 10 MB.
"""

from __future__ import annotations

from typing import Any

import jwt
from jwt.algorithms import HMACAlgorithm, get_default_algorithms

from vistadream.core import UserError
from vistadream.service.access.caller import Caller
from vistadream.service.access.knobs import JwtKnobs
from vistadream.service.access.scopes import SCOPES
from vistadream.service.problems import ProblemError

_LEAST_HMAC_BYTES = 32
_CLOCKS_DIFFER_S = 10
_LONGEST_SUBJECT = 200
_REQUIRED = ["exp", "sub", "aud"]


class Tokens:
    """Checks tokens by the configured key."""

    def __init__(self, knobs: JwtKnobs):
        """UserError where the key cannot be read, is too short, or does not fit the algorithm."""
        self._knobs = knobs
        self._key = _key(knobs)

    def caller(self, token: str) -> Caller:
        """Whom a token names; ProblemError 401 for one that is not valid here."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[self._knobs.algorithm],
                audience=self._knobs.audience,
                issuer=self._knobs.issuer,
                leeway=_CLOCKS_DIFFER_S,
                options={"require": [*_REQUIRED, *(["iss"] if self._knobs.issuer else [])]},
            )
        except jwt.InvalidTokenError as error:
            raise ProblemError(401, f"the token is not valid here ({_why(error)}); wanted a new one") from error
        subject = claims["sub"]
        if not subject.strip() or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
            raise ProblemError(401, f"the token's sub is no name; wanted 1 to {_LONGEST_SUBJECT} letters")
        ends_s = int(claims["exp"]) + _CLOCKS_DIFFER_S
        return Caller(subject, _scopes(claims.get("scope")), f"token:{subject}", ends_s=ends_s)


def _why(error: jwt.InvalidTokenError) -> str:
    """What is wrong, without a part of the token."""
    return type(error).__name__.removesuffix("Error")


def _scopes(claim: Any) -> frozenset[str]:
    """The scopes of a claim, which are words or a list of words; those of other services are left out."""
    words = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return frozenset(SCOPES).intersection(word for word in words if isinstance(word, str))


def _key(knobs: JwtKnobs) -> Any:
    """The key for checking signatures. Of an HMAC key a line break at the end of the file is no part."""
    try:
        text = knobs.key_file.read_bytes()
    except OSError as error:
        raise UserError(f"jwt.key_file={knobs.key_file}: {error.strerror}; wanted a file with the key") from error
    algorithm = get_default_algorithms()[knobs.algorithm]
    is_hmac = isinstance(algorithm, HMACAlgorithm)
    text = text.removesuffix(b"\n").removesuffix(b"\r") if is_hmac else text
    if is_hmac and len(text) < _LEAST_HMAC_BYTES:
        raise UserError(
            f"jwt.key_file={knobs.key_file} holds {len(text)} bytes; wanted {_LEAST_HMAC_BYTES} at least, which nobody "
            "can guess: openssl rand -hex 32"
        )
    try:
        key = algorithm.prepare_key(text)
    except (jwt.InvalidKeyError, ValueError, TypeError) as error:
        wanted = "a secret, not a public key" if is_hmac else "a public key as PEM"
        raise UserError(f"jwt.key_file={knobs.key_file} is no key for {knobs.algorithm}; wanted {wanted}") from error
    if not is_hmac and hasattr(key, "private_bytes"):
        raise UserError(f"jwt.key_file={knobs.key_file} holds a private key; wanted the public one: only that checks")
    return text
