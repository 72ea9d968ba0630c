"""`depthflow demo`: live tables of order books, option chains and alerts on simulated exchanges."""
