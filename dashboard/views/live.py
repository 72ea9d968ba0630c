"""The live pages of the gateway, mounted once."""

from dashboard import live_panel

if __name__ == "__main__":
    live_panel.mount()
