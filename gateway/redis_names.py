"""Keys and channels of the cache job in Redis (docs/records.md), and the keys of the gateway itself."""


def book_channel(venue: str, symbol: str) -> str:
    """Channel of a book's levels."""
    return f"orderbook:{venue}:{symbol.upper()}"


def book_key(venue: str, symbol: str) -> str:
    """Key of a book's newest record."""
    return f"{book_channel(venue, symbol)}:latest"


def trades_channel(venue: str, symbol: str) -> str:
    """Channel of a book's trades."""
    return f"trades:{venue}:{symbol.upper()}"


def state_name(venue: str, symbol: str) -> str:
    """Key and channel of the state of a book or chain."""
    return f"status:{venue}:{symbol.upper()}"


def underlying_pattern(product: str) -> str:
    """Pattern of the channels of an underlying, on whichever venue."""
    return f"underlying:*:{product.upper()}"


def chain_pattern(product: str) -> str:
    """Pattern of the channels of a chain, one for each expiry."""
    return f"chain:{product.upper()}:*"


def aside_key(name: str) -> str:
    """Key of an answer of the database that the gateway keeps for some seconds."""
    return f"gateway:aside:{name}"


def login_code_key(code_hash: str) -> str:
    """Key of a login code, by its hash; the value is the user's id."""
    return f"gateway:codes:{code_hash}"
