"""Which streams share a connection."""

from collections.abc import Iterable

from ingestion.forwarder.dialects import Dialect, Stream


def shards(dialect: Dialect, streams: Iterable[Stream], most: int) -> list[list[Stream]]:
    """Streams cut into connections of at most `most`, those of one path and symbol together where they fit.

    The order of the streams is kept, so the same settings give the same connections.
    """
    groups: dict[tuple[str, str], list[Stream]] = {}
    for stream in dict.fromkeys(streams):
        groups.setdefault((dialect.path(stream.channel), stream.symbol), []).append(stream)
    cut: dict[str, list[list[Stream]]] = {}
    for (path, _), group in groups.items():
        of_path = cut.setdefault(path, [[]])
        for start in range(0, len(group), most):
            part = group[start : start + most]
            if len(of_path[-1]) + len(part) > most:
                of_path.append([])
            of_path[-1].extend(part)
    return [shard for of_path in cut.values() for shard in of_path if shard]
