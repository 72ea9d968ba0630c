"""Smiles and term structure of an underlying as DataFrames: cells for a notebook (Jupyter, VS Code), or a script.

    python examples/smile_notebook.py BTC

Environment: GATEWAY_USER, GATEWAY_PASSWORD, API_URL (http://127.0.0.1:8000). Needs: pip install requests pandas, and
`depthflow serve`.
"""

# %% Log in
import os
import sys

import pandas as pd
import requests

API_URL = os.environ.get("API_URL", "http://127.0.0.1:8000")
product = sys.argv[1] if len(sys.argv) > 1 else "BTC"
session = requests.Session()
account = {"username": os.environ["GATEWAY_USER"], "password": os.environ["GATEWAY_PASSWORD"]}
login = session.post(f"{API_URL}/api/auth/login", json=account, timeout=10)
login.raise_for_status()
session.headers["Authorization"] = f"Bearer {login.json()['token']}"

# %% Term structure: a row per expiry
term = session.get(f"{API_URL}/api/analytics/term-structure/{product}", timeout=10).json()
table = pd.DataFrame(term["expiries"]).set_index("expiry")
print(table[["days", "forward", "atm_iv", "risk_reversal_25", "expected_move"]])

# %% Smile of the nearest expiry: a row per strike, with the volatilities of bid, ask, exchange and fit
surface = session.get(f"{API_URL}/api/analytics/volatility-surface/{product}", timeout=10).json()
nearest = surface["expiries"][0]
columns = {"bid": "bid_ivs", "mark": "ivs", "ask": "ask_ivs", "fit": "fit_ivs"}
smile = pd.DataFrame({name: nearest[values] for name, values in columns.items()}, index=nearest["strikes"], dtype=float)
print(nearest["expiry"], "" if surface["freshness"]["trusted"] else "(out of sync)")
print(smile)
