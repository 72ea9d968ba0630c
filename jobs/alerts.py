"""The alerts job: ticks and option chains to alerts, by thresholds that can be changed while it runs."""

from pyflink.datastream import DataStream, KeyedStream

from core import topics
from core.kafka_client import java_client_options
from core.settings import Settings
from jobs.alert_operator import RULE_CHANGES, RULE_RECORD, AlertOperator, AlertSpec
from jobs.connectors import FRAMES, keyed_rows, properties, sql_options, table_environment
from jobs.operators import BATCH, KEY, OUTPUT
from jobs.pipeline import publish, topic_names
from jobs.rule_topic import RuleRecords, read_rule_records
from jobs.sql_files import declare
from market.alerts.rules import alert_rules, silence_ms

JOB = "alerts"
INPUT_TOPICS = (topics.TICKS, topics.OPTION_CHAINS, topics.OPTION_SURFACES, topics.STATUS)
OUTPUT_TOPICS = (topics.ALERTS, topics.DEAD_LETTERS)
RELATIONS = ("sources/raw_frames", "views/frame_batches", "sources/rule_records", "sinks/job_output_sink")
BATCH_WINDOW_S = "0.020"  # every alert waits for it


def define_spec(settings: Settings, records: RuleRecords) -> AlertSpec:
    """Rules and times of the settings, and the records of `alert.rules`."""
    return AlertSpec(alert_rules(settings), records, silence_ms(settings))


def define_workflow(batches: KeyedStream, rules: DataStream, spec: AlertSpec, settings: Settings) -> DataStream:
    """Rows (topic_name, record_key, lines), one for each alert; `rules`: rows of the type RULE_RECORD."""
    operator = AlertOperator(spec, settings.builder_cache_mb * 1024**2, settings.topic_prefix)
    return batches.connect(rules.broadcast(RULE_CHANGES)).process(operator, OUTPUT).name(JOB).uid(JOB)


def options(settings: Settings) -> dict[str, str]:
    """Options of the job's relations."""
    isolation = {"isolation.level": settings.alerts_isolation}
    return sql_options(settings, JOB) | {
        "input_topics": topic_names(settings, INPUT_TOPICS),
        "output_topics": topic_names(settings, OUTPUT_TOPICS),
        "batch_window_s": BATCH_WINDOW_S,
        "kafka_frames": properties(java_client_options(settings) | FRAMES | isolation),
    }


def main() -> None:
    """Build the job from the environment's settings and execute it."""
    settings = Settings()
    tables = table_environment(settings, JOB)
    declare(tables, RELATIONS, options(settings))
    batches = keyed_rows(tables, tables.from_path("frame_batches"), KEY, BATCH)
    rules = tables.to_append_stream(tables.from_path("rule_records"), RULE_RECORD)
    publish(tables, define_workflow(batches, rules, define_spec(settings, read_rule_records(settings)), settings))


if __name__ == "__main__":
    main()
