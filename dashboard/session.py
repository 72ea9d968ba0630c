"""Login of one browser session, and the app's settings."""

import streamlit as st

from dashboard import accounts
from dashboard.accounts import Login, LoginError
from dashboard.settings import DashboardSettings

LOGIN = "account"  # in the session's state


@st.cache_resource
def settings() -> DashboardSettings:
    """The settings of this process."""
    return DashboardSettings()


def current_login() -> Login | None:
    """The login of this session with a valid token, renewed where it ends soon; None without one."""
    login: Login | None = st.session_state.get(LOGIN)
    if login is not None and login.ends_soon():
        return renew_login()
    return login


def renew_login() -> Login | None:
    """The login with its next tokens. None if the gateway refuses: the session is logged out then."""
    login: Login | None = st.session_state.get(LOGIN)
    if login is not None:
        try:
            st.session_state[LOGIN] = accounts.renew(settings().gateway_url, login, _address())
        except LoginError:
            del st.session_state[LOGIN]
    return st.session_state.get(LOGIN)


def log_in(username: str, password: str) -> None:
    """Log this session in. Raises LoginError."""
    st.session_state[LOGIN] = accounts.log_in(settings().gateway_url, username, password, _address())


def log_out() -> None:
    """Forget the login, and revoke its tokens where the gateway answers."""
    login: Login | None = st.session_state.pop(LOGIN, None)
    if login is not None:
        try:
            accounts.log_out(settings().gateway_url, login, _address())
        except LoginError as error:
            st.toast(f"The tokens were not revoked: {error}")


def _address() -> str | None:
    return st.context.ip_address
