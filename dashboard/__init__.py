"""The dashboard: the page that the gateway serves at `/live`, the Streamlit app, and its history pages."""
