"""`depthflow bench peers`: the books job beside other pipelines over the same frames, in turn, several times."""

import json
from collections.abc import Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.bare import books
from bench.books import MEASURED_SHARE, Load, Run, measured_run
from bench.contenders import Contender, contenders, raw_topics
from bench.jobs import prepare, temporary_topics
from bench.load import fill_raw, plan
from bench.offsets import Counter
from core.settings import Settings
from core.topics import RAW_BOOKS, RAW_TRADES

console = Console(stderr=True)


def report(load: Load, parallelism: int) -> None:
    """Measure, print a table, and as the last line one JSON object."""
    runs = measure(load, parallelism)
    print_table(runs)
    print(json.dumps({name: summary(each) for name, (_, each) in runs.items()}))


def print_table(runs: dict[str, tuple[str, list[Run]]]) -> None:
    """Median, spread and processor time of each pipeline."""
    table = Table(title="The same frames in turn")
    for heading in ("", "records", "frames/s", "spread", "processor µs a frame"):
        table.add_column(heading, justify="left" if heading in ("", "records") else "right")
    for name, (makes, each) in runs.items():
        figures = summary(each)
        spread = f"{figures['least_frames_per_s']:,.0f} to {figures['most_frames_per_s']:,.0f}"
        table.add_row(name, makes, f"{figures['frames_per_s']:,.0f}", spread, f"{figures['processor_us']:.1f}")
    Console().print(table)


def summary(runs: Sequence[Run]) -> dict[str, float]:
    """Median and spread of the rates (frames/s), median of the processor time (µs a frame)."""
    rates = [run.frames_per_s for run in runs]
    return {
        "frames_per_s": round(median(rates)),
        "least_frames_per_s": round(min(rates)),
        "most_frames_per_s": round(max(rates)),
        "processor_us": round(median(run.total_us for run in runs), 1),
    }


def measure(load: Load, parallelism: int) -> dict[str, tuple[str, list[Run]]]:
    """Records that each pipeline makes, and its runs. Raises SubmitError when the cluster cannot run a job."""
    settings = prepare("books", options=[f"--parallelism={parallelism}"])
    counter = Counter(settings.kafka_bootstrap_servers)
    prefixes = [f"{settings.topic_prefix}{number}." for number in range(load.repeats)]
    with console.status("preparing the peers"):
        found = contenders(settings, parallelism, lambda reason: console.print(f"{reason}; it is skipped"))
    runs: dict[str, tuple[str, list[Run]]] = {each.name: (each.makes, []) for each in found}
    with temporary_topics(settings, *prefixes, wanted=(RAW_BOOKS, RAW_TRADES, *books().output_topics)):
        with console.status(f"filling the raw topics with {load.frames:,} frames"):
            shape = plan(load.venue, load.symbols, load.levels)
            fill_raw(settings.kafka_bootstrap_servers, prefixes, shape, load.frames)
        for prefix in prefixes:
            own = settings.model_copy(update={"topic_prefix": prefix})
            for each in found:
                with console.status(f"{each.name}, round {prefixes.index(prefix) + 1} of {load.repeats}"):
                    runs[each.name][1].append(_run(own, counter, each))
    return runs


def _run(settings: Settings, counter: Counter, contender: Contender) -> Run:
    """One run of a pipeline; the books job writes to the prefix that it reads from, the others to one of their own."""
    prefix = settings.topic_prefix
    records = counter.count(raw_topics(prefix))
    sink = prefix if contender.name == "books job" else f"{prefix}{contender.name.partition(' ')[0].lower()}."
    more = [] if sink == prefix else [sink]
    with temporary_topics(settings, *more, wanted=books().output_topics):
        with contender.start(settings, sink, records) as processes:
            target = int(records * contender.share * MEASURED_SHARE)
            return measured_run(settings, counter, sink, target, *processes)
