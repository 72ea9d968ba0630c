"""Episodes of the rules of one book or one expiry, by rule; a rule that is idle has no entry."""

from collections.abc import Iterator, Mapping

from market.alerts.episode import Change, Episode, Limits

Episodes = dict[str, Episode]
RuleChange = tuple[str, Change]  # rule and change


def read(
    episodes: Episodes, rule: str, time: int, value: float, limits: Limits, until: int | None = None
) -> Iterator[RuleChange]:
    """Apply one reading of a rule, which stands from `time` to `until` (default: for a moment)."""
    episode = episodes.get(rule)
    if episode is None:
        if abs(value) < limits.medium:
            return
        episode = episodes[rule] = Episode()
    for change in episode.read(time, value, limits, time if until is None else until):
        yield rule, change
    if episode.idle:
        del episodes[rule]


def advance(episodes: Episodes, rule: str, time: int, limits: Limits) -> Iterator[RuleChange]:
    """End the episode of a rule if its cooldown has passed."""
    if (episode := episodes.get(rule)) is not None:
        for change in episode.advance(time, limits):
            yield rule, change
        if episode.idle:
            del episodes[rule]


def end_all(
    episodes: Episodes, time: int, limits: Mapping[str, Limits], kept: tuple[str, ...] = ()
) -> Iterator[RuleChange]:
    """End the episodes of all rules but those that are kept."""
    for rule in [rule for rule in episodes if rule not in kept]:
        for change in episodes.pop(rule).end_now(time, limits[rule]):
            yield rule, change
