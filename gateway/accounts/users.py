"""The tables `users` and `refresh_tokens`."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from psycopg.errors import UniqueViolation

from gateway.accounts.roles import Role
from gateway.accounts.tokens import new_refresh_token, token_hash
from gateway.database import Database
from gateway.encoding import Row

COLUMNS = "id::text, username, role, disabled"


class AccountConflict(Exception):
    """The username is taken, or the invitation was used before."""


@dataclass(frozen=True)
class User:
    """A row of `users`, without its password."""

    id: str
    username: str
    role: Role
    disabled: bool


@dataclass(frozen=True)
class Users:
    """Accounts and their refresh tokens."""

    database: Database
    refresh_token_s: int

    async def find(self, username: str) -> tuple[User, str] | None:
        """A user with the hash of the password; names are not case-sensitive."""
        query = f"SELECT {COLUMNS}, password FROM users WHERE lower(username) = lower(%(name)s)"
        row = await self.database.row(query, {"name": username})
        return (_user(row), row["password"]) if row else None

    async def get(self, user_id: str) -> User | None:
        """A user by id."""
        row = await self.database.row(f"SELECT {COLUMNS} FROM users WHERE id = %(id)s", {"id": user_id})
        return _user(row) if row else None

    async def all(self) -> list[User]:
        """Every user by name."""
        return [_user(row) for row in await self.database.rows(f"SELECT {COLUMNS} FROM users ORDER BY username")]

    async def add(self, username: str, password: str, role: Role, invitation: str | None = None) -> User:
        """A new user. `password` is its hash. Raises AccountConflict."""
        query = (
            "INSERT INTO users (username, password, role, invitation) "
            f"VALUES (%(name)s, %(password)s, %(role)s, %(invitation)s) RETURNING {COLUMNS}"
        )
        values = {"name": username, "password": password, "role": role, "invitation": invitation}
        try:
            row = await self.database.row(query, values)
        except UniqueViolation as error:
            taken = "invitation" if error.diag.constraint_name == "users_invitation" else "username"
            raise AccountConflict(taken) from None
        assert row is not None
        return _user(row)

    async def change(self, username: str, role: Role | None, disabled: bool | None) -> User | None:
        """Set role or state of a user; its refresh tokens are revoked. None if there is no such user."""
        query = (
            "UPDATE users SET role = coalesce(%(role)s, role), disabled = coalesce(%(disabled)s, disabled) "
            f"WHERE lower(username) = lower(%(name)s) RETURNING {COLUMNS}"
        )
        row = await self.database.row(query, {"name": username, "role": role, "disabled": disabled})
        if row is None:
            return None
        await self.database.rows(
            "UPDATE refresh_tokens SET revoked = now() WHERE user_id = %(id)s AND revoked IS NULL", {"id": row["id"]}
        )
        return _user(row)

    async def begin_family(self, user: User) -> str:
        """The first refresh token of a login. Deletes expired tokens as well."""
        await self.database.rows("DELETE FROM refresh_tokens WHERE expires < now()")
        return await self._add_token(user.id, uuid4())

    async def rotate(self, token: str) -> tuple[User, str] | None:
        """The user of a refresh token and its next token. None if the token is not valid.

        A token that was used before revokes its family: either it or its successor was stolen.
        """
        query = (
            "UPDATE refresh_tokens SET used = now() WHERE hash = %(hash)s AND used IS NULL AND revoked IS NULL "
            "AND expires > now() RETURNING user_id::text, family"
        )
        row = await self.database.row(query, {"hash": token_hash(token)})
        if row is None:
            await self.revoke(token)
            return None
        user = await self.get(row["user_id"])
        if user is None or user.disabled:
            return None
        return user, await self._add_token(user.id, row["family"])

    async def revoke(self, token: str) -> None:
        """Revoke the family of a refresh token."""
        query = (
            "UPDATE refresh_tokens SET revoked = now() WHERE revoked IS NULL "
            "AND family = (SELECT family FROM refresh_tokens WHERE hash = %(hash)s)"
        )
        await self.database.rows(query, {"hash": token_hash(token)})

    async def _add_token(self, user_id: str, family: UUID) -> str:
        """A new token. It is revoked from the start if its family was revoked meanwhile."""
        token = new_refresh_token()
        query = (
            "INSERT INTO refresh_tokens (hash, family, user_id, expires, revoked) VALUES (%(hash)s, %(family)s, "
            "%(user)s, now() + %(life)s * interval '1 second', "
            "(SELECT max(revoked) FROM refresh_tokens WHERE family = %(family)s))"
        )
        values = {"hash": token_hash(token), "family": family, "user": user_id, "life": self.refresh_token_s}
        await self.database.rows(query, values)
        return token


def _user(row: Row) -> User:
    return User(row["id"], row["username"], row["role"], row["disabled"])
