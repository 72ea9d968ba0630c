"""Login of one browser session, and the app's settings."""

import streamlit as st

from dashboard import accounts
from dashboard.accounts import Account, Login, LoginError
from dashboard.settings import DashboardSettings

ACCOUNT = "account"  # in the session's state


@st.cache_resource(show_spinner=False)
def settings() -> DashboardSettings:
    """The settings of this process."""
    return DashboardSettings()


def current_login(refused: str | None = None) -> Login | None:
    """The login of this session with a valid token; None without one. `refused`: a token that the gateway refused."""
    account: Account | None = st.session_state.get(ACCOUNT)
    return None if account is None else account.current(refused)


def log_in(username: str, password: str) -> None:
    """Log this session in. Raises LoginError."""
    url, address = settings().gateway_url, st.context.ip_address

    def renew(login: Login) -> Login:
        return accounts.renew(url, login, address)

    st.session_state[ACCOUNT] = Account(accounts.log_in(url, username, password, address), renew)


def log_out() -> None:
    """Forget the login, and revoke its tokens where the gateway answers."""
    login = current_login()
    st.session_state.pop(ACCOUNT, None)
    if login is not None:
        try:
            accounts.log_out(settings().gateway_url, login, st.context.ip_address)
        except LoginError as error:
            st.toast(f"The tokens were not revoked: {error}")
