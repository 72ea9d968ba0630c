"""What a forwarder subscribes to, and where."""

from ingestion.forwarder.dialects import DIALECTS, Dialect, Endpoint, Stream
from ingestion.forwarder.settings import ConfigurationError, ForwardSettings


def dialect_of(settings: ForwardSettings) -> Dialect:
    """The venue's dialect. Raises ConfigurationError for channels and chains that the venue does not have."""
    dialect = DIALECTS[settings.venue]
    if settings.chains and not dialect.option_channels:
        raise ConfigurationError(f"CHAINS: {dialect.venue} has no option chains, got {','.join(settings.chains)}")
    for channel in settings.channels:
        if not dialect.channel_check(channel):
            raise ConfigurationError(
                f"CHANNELS: {dialect.venue} has no channel {channel!r}; usual ones: {', '.join(dialect.channels)}"
            )
    if settings.chains and settings.chain_channel not in dialect.option_channels:
        raise ConfigurationError(
            f"CHAIN_CHANNEL: expected one of {', '.join(dialect.option_channels)}, got {settings.chain_channel!r}"
        )
    return dialect


def endpoint(dialect: Dialect, settings: ForwardSettings) -> Endpoint:
    """Base addresses: overridden, of the test network, or live. Raises ConfigurationError."""
    base = dialect.test if settings.testnet else dialect.live
    if base is None:
        if settings.ws_url:
            return Endpoint(settings.ws_url, settings.rest_url)
        raise ConfigurationError(f"TESTNET: {dialect.venue} has none")
    return Endpoint(settings.ws_url or base.ws, settings.rest_url or base.rest)


def named_streams(dialect: Dialect, settings: ForwardSettings) -> list[Stream]:
    """Streams of the symbols that the user named. Raises ConfigurationError when there is nothing to do."""
    if not settings.symbols and not settings.chains:
        raise ConfigurationError(
            "SYMBOLS: expected at least one symbol, got none; say --symbols, or --chains for Deribit"
        )
    channels = settings.channels or dialect.channels
    return [Stream(channel, symbol) for symbol in settings.symbols for channel in channels]
