"""Access tokens (JWT), invitations, and refresh tokens (random, stored as their hash)."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt

from gateway.accounts.roles import ROLES, Account, Role

ALGORITHM = "HS256"
REQUIRED = ("exp", "iat", "sub", "aud", "iss")
INVITATION_S = 7 * 86400


class TokenError(Exception):
    """A token that is expired, forged or of another kind. The text names the cause and never contains the token."""


@dataclass(frozen=True)
class Invitation:
    """Right to register once with a role."""

    id: str
    role: Role


@dataclass(frozen=True)
class TokenIssuer:
    """Signs and checks tokens. Times are epoch seconds; checks use the system's clock."""

    secret: str
    issuer: str
    audience: str
    life_s: int

    def issue(self, account_id: str, username: str, role: Role, now: int) -> str:
        """An access token."""
        claims = {"sub": account_id, "name": username, "role": role, "exp": now + self.life_s}
        return self._sign(claims, self.audience, now)

    def verify(self, token: str) -> Account:
        """The account of an access token. Raises TokenError."""
        claims = self._check(token, self.audience)
        return Account(claims["sub"], str(claims.get("name", "")), _role(claims), int(claims["exp"]))

    def invite(self, role: Role, now: int) -> str:
        """An invitation, for one registration within seven days."""
        claims = {"sub": str(uuid4()), "role": role, "exp": now + INVITATION_S}
        return self._sign(claims, self._invitations, now)

    def open_invitation(self, token: str) -> Invitation:
        """The invitation of a token. Raises TokenError."""
        claims = self._check(token, self._invitations)
        return Invitation(claims["sub"], _role(claims))

    @property
    def _invitations(self) -> str:
        return f"{self.audience}/invitations"

    def _sign(self, claims: dict[str, Any], audience: str, now: int) -> str:
        return jwt.encode(claims | {"iat": now, "iss": self.issuer, "aud": audience}, self.secret, ALGORITHM)

    def _check(self, token: str, audience: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self.secret,
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=self.issuer,
                options={"require": list(REQUIRED)},
            )
        except jwt.ExpiredSignatureError:
            raise TokenError("the token has expired") from None
        except jwt.InvalidTokenError:
            raise TokenError("the token is not valid") from None
        return claims


def _role(claims: dict[str, Any]) -> Role:
    for role in ROLES:
        if claims.get("role") == role:
            return role
    raise TokenError("the token is not valid")


def new_refresh_token() -> str:
    """A refresh token of 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Hash by which a refresh token is stored. The token is random, so that no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
