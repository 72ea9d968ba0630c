"""Compiled plan of a SQL job, kept beside the job's state, so that a new version restores that state.

In a compiled plan the number of a node is part of the uid by which Flink finds the node's state. Flink numbers nodes in
the order of the SQL, so a new version's nodes take over the numbers of their equals in the kept plan: sources and sinks
of the same table, other operators with state only if nothing about them changed. Unchanged SQL runs as the kept plan,
which newer planners of Flink read. A plan has neither options nor credentials: tables are part of it by name alone.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any, TypeAlias

from pyflink.table import CompiledPlan, PlanReference, StatementSet, StreamTableEnvironment

from core.errors import UserError
from jobs import kept_plan

Plan: TypeAlias = dict[str, Any]  # Flink's JSON: `nodes` with an `id` and a `type`, `edges` between ids
Node: TypeAlias = dict[str, Any]

STATELESS = {"calc", "correlate", "exchange", "expand", "union", "values", "watermark-assigner"}
# Flink's options under their names of today and of Flink 1, which the Kubernetes operator sets.
STATE = ("execution.state-recovery.path", "execution.savepoint.path")
MAY_DROP = ("execution.state-recovery.ignore-unclaimed-state", "execution.savepoint.ignore-unclaimed-state")
LAST_STATE = "KUBERNETES_OPERATOR_LAST_STATE"  # in place of a path: the newest checkpoint of the same job
TABLES = {"table-source-scan": "scanTableSource", "sink": "dynamicTableSink"}


class PlanChanged(UserError):
    """Saved state has no place in the plan of the job."""


def execute(tables: StreamTableEnvironment, statements: StatementSet, text: str) -> None:
    """Run the statements as one job by their compiled plan, and keep it beside the job's state.

    `text` is that of all their relations: if it has not changed, the kept plan runs and nothing is compiled.

    Raises PlanChanged when the state from which the job resumes has no place in the plan, unless it may be dropped.
    """

    option = partial(tables.get_config().get, default_value="")
    digest = hashlib.sha256(text.encode()).hexdigest()
    kept = kept_plan.read(resumed_state(option))
    if kept and kept["sql"] == digest:
        plan = kept["plan"]
    else:
        plan = json.loads(statements.compile_plan().as_json_string())
        plan = take_over(kept["plan"], plan, "true" in map(option, MAY_DROP)) if kept else plan
    client = _loaded(tables, plan).execute().get_job_client()
    if client:
        folders = (option(f"execution.checkpointing.{name}") for name in ("dir", "savepoint-dir"))
        kept_plan.keep(folders, str(client.get_job_id()), {"sql": digest, "plan": plan})


def resumed_state(option: Callable[[str], str]) -> str:
    """Address of the checkpoint or savepoint from which the job resumes, by Flink's options; empty without one.

    Kubernetes' operator gives no address where it resumes from the newest checkpoint, and the job keeps its id.
    """
    state = next(filter(None, map(option, STATE)), "")
    if state != LAST_STATE:
        return state
    return f"{option('execution.checkpointing.dir').rstrip('/')}/{option('$internal.pipeline.job-id')}/chk-0"


def take_over(kept: Plan, new: Plan, may_drop: bool = False) -> Plan:
    """The new plan with the kept plan's numbers for the nodes that are equal.

    Raises PlanChanged for a node with state that the new plan lacks, unless `may_drop`.
    """
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for node in _numbered(kept):
        numbers[_identity(node)].append(node["id"])
    taken = {node["id"]: numbers[_identity(node)].pop(0) for node in _numbered(new) if numbers[_identity(node)]}
    left = {number for rest in numbers.values() for number in rest}
    lost = [node for node in kept["nodes"] if node["id"] in left and _kind(node) != "sink"]
    if lost and not may_drop:
        raise PlanChanged(_text(lost))
    others = (number for number in count(1) if number not in left | set(taken.values()))
    ids = {node["id"]: taken.get(node["id"]) or next(others) for node in new["nodes"]}
    nodes = [node | {"id": ids[node["id"]]} for node in new["nodes"]]
    edges = [edge | {end: ids[edge[end]] for end in ("source", "target")} for edge in new["edges"]]
    return new | {"nodes": nodes, "edges": edges}


def _numbered(plan: Plan) -> Iterator[Node]:
    """Nodes that may have state, whose numbers matter."""
    return (node for node in plan["nodes"] if _kind(node) not in STATELESS)


def _kind(node: Node) -> str:
    return re.sub(r"^stream-exec-|_\d+$", "", node["type"])


def _table(node: Node) -> str:
    """Name of the table that a source or sink has."""
    return str(node[TABLES[_kind(node)]]["table"]["identifier"]).rpartition(".")[2].strip("`")


def _identity(node: Node) -> str:
    if (kind := _kind(node)) in TABLES:
        return f"{kind} {_table(node)}"
    return json.dumps({key: value for key, value in node.items() if key != "id"}, sort_keys=True)


def _text(lost: list[Node]) -> str:
    sources = [_table(node) for node in lost if _kind(node) in TABLES]
    operators = [node["description"] for node in lost if _kind(node) not in TABLES]
    causes = [f"the SQL no longer reads {', '.join(sources)}"] if sources else []
    causes += [f"it no longer has the operator {description}" for description in operators]
    return (
        f"the saved state has no place in the new plan, because {' and '.join(causes)}: take that change back, or "
        "submit with --allow-non-restored-state to drop this state; new sources begin at the group's committed offsets"
    )


def _loaded(tables: StreamTableEnvironment, plan: Plan) -> CompiledPlan:
    """The plan in that environment. `load_plan` of PyFlink 2.2 gives it Java's in its place, and `execute` fails."""
    loaded = tables.load_plan(PlanReference.from_json_string(json.dumps(plan)))
    return CompiledPlan(loaded._j_compiled_plan, tables)
