"""All simulated exchanges by id, found by discovery, and the instruments that they list.

A simulated exchange is a module or package with a tuple `VENUES` of `SimulatedVenue`: in `simulator/venues/`, or in
another distribution that names it as an entry point of the group `depthflow.simulators` (docs/add-a-venue.md).
`SIMULATORS` is read at each look-up, so a test adds an exchange with `monkeypatch.setitem`.
"""

from collections.abc import Iterable, Iterator, Set
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import ModuleType

from simulator import venues
from simulator.generator.instruments import Instrument
from simulator.venue import SimulatedVenue

ENTRY_POINTS = "depthflow.simulators"


def discover(package: ModuleType) -> Iterator[SimulatedVenue]:
    """Exchanges of the modules and sub-packages of `package`, in the order of their names."""
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        yield from import_module(module.name).VENUES


def discover_installed() -> Iterator[SimulatedVenue]:
    """Exchanges of other distributions, by entry point."""
    for entry_point in entry_points(group=ENTRY_POINTS):
        yield from entry_point.load().VENUES


def by_id(found: Iterable[SimulatedVenue]) -> dict[str, SimulatedVenue]:
    """Exchanges by id, those with option chains last. Raises ValueError when two share an id.

    The order is that of generated instruments, so it decides the bytes of the default plan.
    """
    listed: dict[str, SimulatedVenue] = {}
    for venue in sorted(found, key=lambda venue: bool(venue.chains)):
        if listed.setdefault(venue.id, venue) is not venue:
            raise ValueError(f"two simulated exchanges have the id {venue.id!r}: rename one of them")
    return listed


SIMULATORS: dict[str, SimulatedVenue] = by_id([*discover(venues), *discover_installed()])


def instrument(venue: str, symbol: str) -> Instrument:
    """The instrument as listed; an unlisted symbol gets the venue's default grid. Raises KeyError: unknown venue."""
    return SIMULATORS[venue].instrument(symbol)


def default_symbols(venue: str) -> tuple[str, ...]:
    """The two symbols of the demo. Raises KeyError: unknown venue."""
    return SIMULATORS[venue].default_symbols


def choose(venues: Set[str], symbols: Set[str]) -> tuple[Instrument, ...]:
    """Instruments for a user's request: no venues means all, no symbols means the two of each venue.

    With one venue any symbol is accepted; with several, each symbol goes to the venues that list it.
    Raises ValueError with the names that are unknown.
    """
    if unknown := venues - set(SIMULATORS):
        raise ValueError(f"unknown venue {', '.join(sorted(unknown))}; expected some of {', '.join(SIMULATORS)}")
    if len(venues) == 1 and symbols:
        (venue,) = venues
        return tuple(instrument(venue, symbol) for symbol in sorted(symbols))
    chosen = tuple(
        simulated.instrument(symbol)
        for simulated in SIMULATORS.values()
        if simulated.id in venues or not venues
        for symbol in simulated.listed
        if symbol in (symbols or simulated.default_symbols)
    )
    if unlisted := symbols - {each.symbol for each in chosen}:
        raise ValueError(f"no venue lists {', '.join(sorted(unlisted))}; name the venue with --venue")
    return chosen
