"""The live pages in the app: a component without a frame that imports the gateway's modules and stays mounted."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import session

KEY = "live"
# The panel takes the whole width and height that Streamlit's header leaves, and does not fade during a slow rerun.
STYLE = ".stMainBlockContainer { padding: 3.75rem 0.5rem 0.5rem; } .stElementContainer { opacity: 1 !important; }"
FILES = Path(__file__).with_name("component")


@cache
def _component() -> Any:
    """The component; its script runs in the page of the app, and its styles are apart from those of the app."""
    html, css, js = ((FILES / f"live.{kind}").read_text() for kind in ("html", "css", "js"))
    return st.components.v2.component("depthflow_live", html=html, css=css, js=js)


@st.fragment
def mount() -> None:
    """Show the live pages. A rerun passes the newest token to the panel and does not mount it again.

    It is a fragment: a rerun that the panel asks for must not end the run of a page that was just chosen.
    """
    st.html(f"<style>{STYLE}</style>")
    settings, login = session.settings(), session.current_login()
    data = {
        "base": settings.public_url,
        "token": login.token if login else None,
        "renew_after": login.idle_s if login else None,
        "theme": st.context.theme.type,
    }
    _component()(key=KEY, data=data, on_renew_change=_renew)


def _renew() -> None:
    """Renew the panel's token, which ends soon or was refused by the gateway. On another page there is no panel."""
    panel = st.session_state.get(KEY)
    if panel is not None:
        session.current_login(refused=panel.renew)
