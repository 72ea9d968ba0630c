"""History from the database as tables of pandas, without Streamlit.

UserError
  HistoryError    the database does not answer, or refuses or takes too long for a query
"""
