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
from collections.abc import Iterator
from itertools import count
from typing import Any, TypeAlias

from pyflink.java_gateway import get_gateway
from pyflink.table import CompiledPlan, PlanReference, StatementSet, StreamTableEnvironment

from core.errors import UserError

Plan: TypeAlias = dict[str, Any]  # Flink's JSON: `nodes` with an `id` and a `type`, `edges` between ids
Node: TypeAlias = dict[str, Any]

STATELESS = {"calc", "correlate", "exchange", "expand", "union", "values", "watermark-assigner"}
TABLES = {"table-source-scan": "scanTableSource", "sink": "dynamicTableSink"}
# Checkpoints are in a folder of their job's id, and savepoints have its first six characters in their names.
_STATE = re.compile(r"(.+)/(?:savepoint-(\w{6})-\w+|(\w{6})\w{26}/chk-\d+)/?")


class PlanChanged(UserError):
    """Saved state has no place in the plan of the job."""


def execute(tables: StreamTableEnvironment, statements: StatementSet, text: str) -> None:
    """Run the statements as one job by their compiled plan, and keep it beside the job's state.

    `text` is that of all their relations: if it has not changed, the kept plan runs and nothing is compiled.

    Raises PlanChanged when the state from which the job resumes has no place in the plan, unless it may be dropped.
    """
    config = tables.get_config()
    state = config.get("execution.state-recovery.path", "")
    may_drop = config.get("execution.state-recovery.ignore-unclaimed-state", "false") == "true"
    digest = hashlib.sha256(text.encode()).hexdigest()
    kept = _read(file_of_state(state))
    if kept and kept["sql"] == digest:
        plan = kept["plan"]
    else:
        plan = json.loads(statements.compile_plan().as_json_string())
        plan = take_over(kept["plan"], plan, may_drop) if kept else plan
    client = _loaded(tables, plan).execute().get_job_client()
    folder = config.get("execution.checkpointing.dir", "")
    if client and folder:
        _write(f"{folder}/plan-{str(client.get_job_id())[:6]}.json", {"sql": digest, "plan": plan})


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


def file_of_state(state: str) -> str:
    """Address of the plan of a checkpoint or savepoint; empty if it is not in a folder of Flink's naming."""
    found = _STATE.fullmatch(state)
    return f"{found[1]}/plan-{found[2] or found[3]}.json" if found else ""


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


def _file_system(address: str) -> tuple[Any, Any]:
    """Flink's file system of an address, and the address as its path: a folder, or an object store."""
    path = get_gateway().jvm.org.apache.flink.core.fs.Path(address)
    return path.getFileSystem(), path


def _read(address: str) -> Any:
    """Content of a file; None if there is no such file, as with state of releases without plans."""
    if not address:
        return None
    files, path = _file_system(address)
    if not files.exists(path):
        return None
    stream = files.open(path)
    try:
        return json.loads(stream.readAllBytes())
    finally:
        stream.close()


def _write(address: str, content: Any) -> None:
    files, path = _file_system(address)
    mode = get_gateway().jvm.org.apache.flink.core.fs.FileSystem.WriteMode.OVERWRITE
    stream = files.create(path, mode)
    stream.write(json.dumps(content).encode())
    stream.close()
