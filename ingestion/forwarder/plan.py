"""A forwarder's settings resolved against its venue: addresses, streams, and limits of each connection."""

from collections.abc import Iterable
from dataclasses import dataclass

from ingestion.forwarder.context import ConnectionPolicy
from ingestion.forwarder.session import Timeouts
from ingestion.forwarder.settings import MEGABYTE, ConfigurationError, ForwardSettings, setting_name
from venues.protocol import Endpoint, Stream, VenueProtocol
from venues.registry import VENUES


@dataclass(frozen=True)
class ForwardPlan:
    """Settings with the venue's defaults filled in.

    `streams` are those of the configured symbols; streams of option chains are discovered at run time.
    `max_streams` and `lifetime_s` apply to each connection; `lifetime_s` is None if the venue sets no limit.
    """

    settings: ForwardSettings
    protocol: VenueProtocol
    endpoint: Endpoint
    streams: list[Stream]
    max_streams: int
    lifetime_s: float | None
    policy: ConnectionPolicy


def make_plan(settings: ForwardSettings) -> ForwardPlan:
    """Plan of a forwarder. Raises ConfigurationError for settings that the venue does not support."""
    protocol = VENUES[settings.venue].protocol
    _check_channels(protocol, settings)
    _check_levels(protocol, settings.snapshot_levels)
    limits = protocol.limits
    return ForwardPlan(
        settings,
        protocol,
        _endpoint(protocol, settings),
        _streams(protocol, settings),
        min(settings.connection_streams or limits.streams, limits.streams),
        settings.lifetime_s or limits.lifetime_s,
        _connection_policy(protocol, settings),
    )


def shards(protocol: VenueProtocol, streams: Iterable[Stream], max_streams: int) -> list[list[Stream]]:
    """Distribute streams over connections of at most `max_streams`.

    Streams of one path and symbol share a connection where they fit. The order of the streams is kept, so the same
    settings always give the same connections.
    """
    groups: dict[tuple[str, str], list[Stream]] = {}
    for stream in dict.fromkeys(streams):
        groups.setdefault((protocol.path(stream.channel), stream.symbol), []).append(stream)
    by_path: dict[str, list[list[Stream]]] = {}
    for (path, _), group in groups.items():
        path_shards = by_path.setdefault(path, [[]])
        for start in range(0, len(group), max_streams):
            part = group[start : start + max_streams]
            if len(path_shards[-1]) + len(part) > max_streams:
                path_shards.append([])
            path_shards[-1].extend(part)
    return [shard for path_shards in by_path.values() for shard in path_shards if shard]


def _check_channels(protocol: VenueProtocol, settings: ForwardSettings) -> None:
    if settings.chains and not protocol.option_channels:
        raise ConfigurationError(
            f"{setting_name('chains')}: {protocol.venue} has no option chains, got {','.join(settings.chains)}"
        )
    for channel in settings.channels:
        if not protocol.has_channel(channel):
            usual = ", ".join(protocol.channels)
            raise ConfigurationError(
                f"{setting_name('channels')}: {protocol.venue} has no channel {channel!r}; usual ones: {usual}"
            )
    if settings.chains and settings.chain_channel not in protocol.option_channels:
        raise ConfigurationError(
            f"CHAIN_CHANNEL: expected one of {', '.join(protocol.option_channels)}, got {settings.chain_channel!r}"
        )


def _check_levels(protocol: VenueProtocol, levels: int) -> None:
    """Raise ConfigurationError for a number of levels of which the venue has no snapshots."""
    snapshots = protocol.snapshots
    if snapshots is not None and not snapshots.offers(levels):
        raise ConfigurationError(
            f"{setting_name('snapshot_levels')}: {protocol.venue} has snapshots of {snapshots.choices}, got {levels}"
        )


def _endpoint(protocol: VenueProtocol, settings: ForwardSettings) -> Endpoint:
    base = protocol.test if settings.testnet else protocol.live
    if base is None:
        if settings.ws_url:
            return Endpoint(settings.ws_url, settings.rest_url)
        raise ConfigurationError(f"{setting_name('testnet')}: {protocol.venue} has no test network")
    return Endpoint(settings.ws_url or base.ws, settings.rest_url or base.rest)


def _streams(protocol: VenueProtocol, settings: ForwardSettings) -> list[Stream]:
    if not settings.symbols and not settings.chains:
        raise ConfigurationError(
            f"{setting_name('symbols')}: expected at least one symbol or chain, got none; set --symbols or --chains"
        )
    channels = settings.channels or protocol.channels
    return [Stream(channel, symbol) for symbol in settings.symbols for channel in channels]


def _connection_policy(protocol: VenueProtocol, settings: ForwardSettings) -> ConnectionPolicy:
    return ConnectionPolicy(
        Timeouts(
            settings.silence_s or protocol.limits.silence_s,
            settings.data_silence_s,
            settings.book_silence_s or protocol.limits.book_silence_s,
        ),
        first_delay_s=settings.reconnect_first_s,
        max_delay_s=settings.reconnect_most_s,
        max_frame_bytes=int(settings.frame_mb * MEGABYTE),
        compression=settings.ws_compression,
    )
