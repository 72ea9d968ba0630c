"""Access tokens: refused when expired, forged or of another kind; and passwords with constant work."""

import asyncio
import time
from typing import Any

import jwt
import pytest

from gateway.accounts.passwords import Passwords
from gateway.accounts.roles import Account
from gateway.accounts.tokens import TokenError, TokenIssuer

SECRET = "k" * 64
NOW, LIFE_S = int(time.time()), 86_400  # longer than the suite runs: tokens are signed when tests are collected
ISSUER = TokenIssuer(SECRET, "depthflow", "depthflow", LIFE_S)
CLAIMS: dict[str, Any] = {
    "sub": "1",
    "name": "ada",
    "role": "viewer",
    "iat": NOW,
    "exp": NOW + LIFE_S,
    "iss": "depthflow",
    "aud": "depthflow",
}


def signed(secret: str = SECRET, algorithm: str = "HS256", **changed: Any) -> str:
    return jwt.encode({**CLAIMS, **changed}, secret, algorithm)


def test_a_token_names_its_account() -> None:
    assert ISSUER.verify(ISSUER.issue("1", "ada", "analyst", NOW)) == Account("1", "ada", "analyst", NOW + LIFE_S)


def test_an_expired_token_is_refused() -> None:
    with pytest.raises(TokenError, match="the token has expired"):
        ISSUER.verify(ISSUER.issue("1", "ada", "viewer", NOW - LIFE_S - 1))


@pytest.mark.parametrize(
    "token",
    [
        signed("x" * 64),
        signed("", "none"),
        signed(algorithm="HS384"),
        signed(aud="another"),
        signed(aud="depthflow/invitations"),
        signed(iss="another"),
        signed(role="owner"),
        signed(role=None),
        "not.a.token",
        "",
    ],
)
def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(TokenError, match="the token is not valid"):
        ISSUER.verify(token)


@pytest.mark.parametrize("claim", ["exp", "iat", "sub", "aud", "iss"])
def test_a_token_without_a_required_claim_is_refused(claim: str) -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != claim}
    with pytest.raises(TokenError):
        ISSUER.verify(jwt.encode(claims, SECRET, "HS256"))


def test_edited_claims_are_refused() -> None:
    head, _, signature = ISSUER.issue("1", "ada", "viewer", NOW).split(".")
    claims = signed(role="admin").split(".")[1]
    with pytest.raises(TokenError):
        ISSUER.verify(f"{head}.{claims}.{signature}")


def test_an_invitation_is_no_access_token_and_the_reverse() -> None:
    invitation = ISSUER.invite("analyst", NOW)
    assert ISSUER.open_invitation(invitation).role == "analyst"
    with pytest.raises(TokenError):
        ISSUER.verify(invitation)
    with pytest.raises(TokenError):
        ISSUER.open_invitation(ISSUER.issue("1", "ada", "admin", NOW))


def test_an_unknown_user_costs_as_much_as_a_wrong_password() -> None:
    async def durations() -> tuple[float, float]:
        passwords = Passwords()
        stored = await passwords.hash("correct horse")
        assert await passwords.verify("correct horse", stored)
        times = []
        for known in (stored, None):
            began = time.process_time()  # of all threads; the load of other processes does not add to it
            for _ in range(5):
                assert not await passwords.verify("wrong", known)
            times.append(time.process_time() - began)
        return times[0], times[1]

    wrong, unknown = asyncio.run(durations())
    assert 0.5 < unknown / wrong < 2
