"""Roles, from the least to the most rights."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["viewer", "analyst", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "analyst", "admin")


@dataclass(frozen=True)
class Account:
    """The account of a request. `expires`: epoch seconds at which its token ends."""

    id: str
    username: str
    role: Role
    expires: int

    def may(self, role: Role) -> bool:
        """True if this account has the rights of a role."""
        return ROLES.index(self.role) >= ROLES.index(role)


ANONYMOUS = Account("anonymous", "anonymous", "analyst", 1 << 62)  # with AUTH=off
