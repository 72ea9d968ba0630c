"""Pages of the app. Streamlit runs each file as a script."""
