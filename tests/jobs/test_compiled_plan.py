"""Numbers of nodes in a new version's plan: those of their equals in the kept plan, and what has no equal."""

import pytest

from jobs.compiled_plan import Node, Plan, PlanChanged, resumed_state, take_over
from jobs.kept_plan import file_of_state


def scan(number: int, table: str) -> Node:
    identifier = f"`default_catalog`.`default_database`.`{table}`"
    return {
        "id": number,
        "type": "stream-exec-table-source-scan_1",
        "scanTableSource": {"table": {"identifier": identifier}},
        "description": f"TableSourceScan({table})",
    }


def calc(number: int, text: str = "Calc") -> Node:
    return {"id": number, "type": "stream-exec-calc_1", "description": text}


def aggregate(number: int, text: str) -> Node:
    return {"id": number, "type": "stream-exec-group-aggregate_1", "description": text}


def plan(*nodes: Node) -> Plan:
    """A chain of nodes."""
    edges = [{"source": one["id"], "target": two["id"]} for one, two in zip(nodes, nodes[1:], strict=False)]
    return {"flinkVersion": "2.2", "nodes": list(nodes), "edges": edges}


def numbers(of: Plan) -> dict[str, int]:
    return {node["description"]: node["id"] for node in of["nodes"]}


def test_a_new_insert_before_others_leaves_the_sources_their_numbers() -> None:
    kept = plan(scan(1, "windows"), calc(2), scan(3, "statuses"))
    new = take_over(kept, plan(scan(1, "trades"), calc(2), scan(3, "windows"), calc(4, "more"), scan(5, "statuses")))
    found = numbers(new)
    assert (found["TableSourceScan(windows)"], found["TableSourceScan(statuses)"]) == (1, 3)
    assert len(set(found.values())) == 5, "no number is used twice"
    assert new["edges"][2] == {"source": 1, "target": found["more"]}


def test_sources_that_change_places_keep_their_own_offsets() -> None:
    kept = plan(scan(1, "windows"), scan(2, "statuses"))
    assert numbers(take_over(kept, plan(scan(1, "statuses"), scan(2, "windows")))) == numbers(kept)


def test_an_operator_without_state_may_change() -> None:
    kept = plan(scan(1, "windows"), calc(2, "Calc(a)"))
    assert numbers(take_over(kept, plan(scan(1, "windows"), calc(2, "Calc(b)"))))["TableSourceScan(windows)"] == 1


def test_a_source_that_is_no_longer_read_is_refused_by_name() -> None:
    with pytest.raises(PlanChanged, match="no longer reads windows: take that change back, or submit with --allow-non"):
        take_over(plan(scan(1, "windows"), scan(2, "statuses")), plan(scan(1, "statuses")))


def test_an_operator_with_state_that_changed_is_refused_by_its_description() -> None:
    kept = plan(scan(1, "windows"), aggregate(2, "GroupAggregate(a)"))
    with pytest.raises(PlanChanged, match=r"no longer has the operator GroupAggregate\(a\)"):
        take_over(kept, plan(scan(1, "windows"), aggregate(2, "GroupAggregate(b)")))


def test_state_that_may_be_dropped_leaves_its_number_unused() -> None:
    new = take_over(plan(scan(1, "windows"), scan(2, "statuses")), plan(scan(1, "trades"), scan(2, "statuses")), True)
    assert numbers(new) == {"TableSourceScan(trades)": 3, "TableSourceScan(statuses)": 2}


FOLDER, JOB_ID = "s3://state/analytics", "0a1b2c" + 26 * "0"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ""),
        ({"execution.state-recovery.path": f"{FOLDER}/savepoint-0a1b2c-d3"}, f"{FOLDER}/savepoint-0a1b2c-d3"),
        ({"execution.savepoint.path": f"{FOLDER}/savepoint-0a1b2c-d3"}, f"{FOLDER}/savepoint-0a1b2c-d3"),
        (
            {
                "execution.savepoint.path": "KUBERNETES_OPERATOR_LAST_STATE",
                "execution.checkpointing.dir": f"{FOLDER}/",
                "$internal.pipeline.job-id": JOB_ID,
            },
            f"{FOLDER}/{JOB_ID}/chk-0",
        ),
    ],
)
def test_the_state_is_found_under_the_names_of_flink_and_of_its_operator(
    options: dict[str, str], expected: str
) -> None:
    assert resumed_state(lambda name: options.get(name, "")) == expected


def test_the_plan_of_the_newest_checkpoint_is_that_of_the_job() -> None:
    assert file_of_state(f"{FOLDER}/{JOB_ID}/chk-0") == f"{FOLDER}/plan-0a1b2c.json"
