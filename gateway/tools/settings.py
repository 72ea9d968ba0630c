"""Settings of clients of the gateway."""

from pydantic import Field, SecretStr

from core.settings import Settings


class ClientSettings(Settings):
    """Address and account. On the local stack the account is the one that the stack has generated."""

    api_url: str = Field("http://127.0.0.1:8000", description="gateway that `depthflow mcp` asks")
    api_user: str = Field("", description="its account there; default: GATEWAY_USER")
    api_password: SecretStr = SecretStr("")
    gateway_user: str = ""
    gateway_password: SecretStr = SecretStr("")

    @property
    def account(self) -> tuple[str, str]:
        """Username and password; both empty without an account."""
        if self.api_user:
            return self.api_user, self.api_password.get_secret_value()
        return self.gateway_user, self.gateway_password.get_secret_value()
