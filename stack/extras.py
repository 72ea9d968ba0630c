"""Modules that the extras of the package install. All others of the command line belong to the extra `stack`."""

EXTRAS = {
    "bench": ("QuantLib", "confluent_kafka", "vollib"),
    "dashboard": ("altair", "streamlit"),
    "serve": ("fastapi", "jwt", "limits", "psycopg_pool", "pwdlib", "socketio", "starlette", "uvicorn", "uvloop"),
}
