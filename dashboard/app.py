"""The Streamlit app: `depthflow dashboard` runs this file for every browser session."""

import streamlit as st

from dashboard import session
from dashboard.accounts import LoginError

HISTORY = {
    "alerts": ("Alerts", "views/alerts.py"),
    "windows": ("Windows", "views/windows.py"),
    "imbalance": ("Imbalance and returns", "views/imbalance.py"),
    "volatility": ("Volatility", "views/volatility.py"),
    "options": ("Options", "views/options.py"),
}


def main() -> None:
    """The navigation and the chosen page; the login form where the gateway wants an account."""
    st.set_page_config(page_title="depthflow", layout="wide")
    login = session.current_login()
    if session.settings().auth == "required" and login is None:
        st.navigation([st.Page(login_form, title="Log in", url_path="login")], position="hidden").run()
        return
    pages = {"": [st.Page("views/live.py", title="Live", url_path="live", default=True)]}
    if login is None or login.reads_history:
        pages["History"] = [st.Page(path, title=title, url_path=url) for url, (title, path) in HISTORY.items()]
    if login is not None:
        pages["Account"] = [st.Page(account, title=login.username, url_path="account")]
    st.navigation(pages, position="top").run()


def login_form() -> None:
    """Username and password of an account of the gateway."""
    st.title("depthflow")
    with st.form("login", width=360):
        username = st.text_input("Username", autocomplete="username")
        password = st.text_input("Password", type="password", autocomplete="current-password")
        submitted = st.form_submit_button("Log in")
    if submitted:
        try:
            session.log_in(username, password)
        except LoginError as error:
            st.error(str(error))
        else:
            st.rerun()


def account() -> None:
    """Name and role of the account, and the end of its session."""
    login = session.current_login()
    if login is None:
        st.rerun()
    st.title(login.username)
    st.write(f"Role: {login.role}.")
    if not login.reads_history:
        st.info("History needs the role analyst, which an admin can grant.")
    st.button("Log out", on_click=session.log_out)


if __name__ == "__main__":
    main()
