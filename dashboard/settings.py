"""Settings of the Streamlit app, beside those of the pipeline."""

from typing import Literal

from pydantic import Field, SecretStr

from core.settings import Settings


class DashboardSettings(Settings):
    """Read from the environment, `.env` and the local stack."""

    auth: Literal["required", "off"] = Field("required", description="as the gateway's: required asks for a login")
    reader_postgres_dsn: SecretStr = Field(description="database as the role that may only read, depthflow_reader")
    serve_port: int = Field(8000, ge=1, le=65535)
    dashboard_host: str = Field("127.0.0.1", description="address that the app binds; others need TLS in front of it")
    dashboard_port: int = Field(8501, ge=1, le=65535)
    dashboard_gateway_url: str = Field(
        "", pattern=r"^(https?://.+)?$", description="gateway as the app reaches it; default: this machine, SERVE_PORT"
    )
    dashboard_public_url: str = Field(
        "", pattern=r"^(https?://.+)?$", description="gateway as browsers reach it; default: this machine, SERVE_PORT"
    )

    @property
    def gateway_url(self) -> str:
        """Address of the gateway for logins, without a slash at its end."""
        return (self.dashboard_gateway_url or f"http://127.0.0.1:{self.serve_port}").rstrip("/")

    @property
    def public_url(self) -> str:
        """Address of the gateway for browsers, without a slash at its end."""
        return (self.dashboard_public_url or f"http://127.0.0.1:{self.serve_port}").rstrip("/")
