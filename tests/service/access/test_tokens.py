"""Tokens of somebody else: one algorithm and one key, and nothing in a token says which."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from vistadream.core import UserError

SECRET = "0123456789abcdef0123456789abcdef"


def claims(**changed):
    """Claims of a token that is valid; None leaves one out."""
    whole = {"exp": time.time() + 600, "sub": "alice", "aud": "vistadream", "scope": "jobs:read jobs:write", **changed}
    return {name: value for name, value in whole.items() if value is not None}


def token(key=SECRET, algorithm="HS256", headers=None, **changed):
    return jwt.encode(claims(**changed), key, algorithm, headers)


def pem(key, private=False):
    if private:
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "jwt.key"
    file.write_text(f"{SECRET}\n")
    return file


@pytest.fixture
def made(house, key_file):
    return house(f"jwt.key_file={key_file}")


def test_a_token_names_the_owner_and_the_scopes(made):
    job = made.job("alice")
    assert [each["id"] for each in made.ask("GET", "/v1/jobs", token()).json()["jobs"]] == [job]
    assert made.ask("GET", f"/v1/jobs/{job}", token(sub="bob")).status_code == 404
    assert made.ask("POST", f"/v1/jobs/{job}/cancel", token(scope="jobs:read other:thing")).status_code == 403
    assert made.ask("GET", "/v1/jobs", token(scope=["jobs:read"])).status_code == 200
    for none in (None, "", 7, {"jobs:read": 1}, [["jobs:read"]]):
        assert made.ask("GET", "/v1/jobs", token(scope=none)).status_code == 403, none


def test_where_tokens_are_configured_a_request_needs_a_key_or_a_token(made):
    assert made.ask("GET", "/v1/jobs").status_code == 401
    assert made.ask("GET", "/v1/jobs", made.keys.add("a").text).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [{"exp": None}, {"sub": None}, {"aud": None}, {"aud": "other"}, {"aud": ["other"]}, {"exp": 1}, {"exp": "soon"},
     {"sub": ""}, {"sub": "a\nb"}, {"sub": "a" * 201}, {"nbf": 9e9}, {"aud": ""}],
)  # fmt: skip
def test_a_claim_that_is_missing_or_wrong_is_refused(changed, made):
    answer = made.ask("GET", "/v1/jobs", token(**changed))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_another_key_another_algorithm_and_none_are_refused(made, rsa_key):
    unsigned = ".".join([_part({"alg": "none", "typ": "JWT"}), _part(claims()), ""])
    signed = token().split(".")
    changed = ".".join([signed[0], _part(claims(sub="root")), signed[2]])
    for wrong in (unsigned, unsigned.replace(_part({"alg": "none", "typ": "JWT"}), _part({"alg": "nOnE"})), changed,
                  token("x" * 32), token(SECRET * 2, "HS512"), token(pem(rsa_key, True), "RS256"),
                  ".".join([*signed[:2], ""]), "..", ".".join([*signed, ""])):  # fmt: skip
        assert made.ask("GET", "/v1/jobs", wrong).status_code == 401, wrong


def test_no_address_of_a_key_is_followed(made, rsa_key, monkeypatch):
    """A key that a token names or brings along is not used."""
    monkeypatch.setattr("urllib.request.urlopen", None)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key.public_key()))
    for header in ({"jku": "http://127.0.0.1:9/k"}, {"x5u": "http://127.0.0.1:9/c"}, {"jwk": public}, {"kid": "../k"}):
        assert made.ask("GET", "/v1/jobs", token(headers=header)).status_code == 200, "the configured key alone counts"
        foreign = token(pem(rsa_key, True), "RS256", headers=header)
        assert made.ask("GET", "/v1/jobs", foreign).status_code == 401


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_public_key_checks_and_is_no_secret(algorithm, house, tmp_path, rsa_key):
    key = rsa_key if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "public.pem"
    file.write_bytes(pem(key))
    made = house(f"jwt.key_file={file}", f"jwt.algorithm={algorithm}", "jwt.issuer=us")
    assert made.ask("GET", "/v1/jobs", token(key, algorithm, iss="us")).status_code == 200
    assert made.ask("GET", "/v1/jobs", token(key, algorithm, iss="them")).status_code == 401
    assert made.ask("GET", "/v1/jobs", token(key, algorithm)).status_code == 401
    body = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims(iss='us'))}"
    signature = hmac.digest(file.read_bytes(), body.encode(), hashlib.sha256)
    confused = f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert made.ask("GET", "/v1/jobs", confused).status_code == 401


def test_a_key_file_that_cannot_be_is_one_sentence(house, tmp_path, rsa_key):
    file = tmp_path / "k"
    for content, algorithm, said in (
        (b"x" * 31, "HS256", "holds 31 bytes; wanted 32 at least"),
        (b"x" * 31 + b"\n", "HS256", "holds 31 bytes"),
        (pem(rsa_key), "HS256", "wanted a secret, not a public key"),
        (b"x" * 64, "RS256", "wanted a public key as PEM"),
        (pem(rsa_key), "ES256", "wanted a public key as PEM"),
        (pem(rsa_key, True), "RS256", "wanted the public one"),
    ):
        file.write_bytes(content)
        with pytest.raises(UserError) as error:
            house(f"jwt.key_file={file}", f"jwt.algorithm={algorithm}")
        assert said in str(error.value), (algorithm, content[:20])
        assert "\n" not in str(error.value)


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
