"""Notifications: alerts from `orderbook.alerts` to Alertmanager, and by apprise to chat, mail and paging services."""
