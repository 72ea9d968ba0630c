"""Tables of `depthflow status`, without a stack."""

from stack.services.flink_rest import Job
from stack.services.settings import StackSettings
from stack.services.status import StackStatus
from stack.services.status_tables import shown_jobs, tables
from stack.services.supervisor import Process
from tests.rendering import rendered


def job(name: str, state: str, number: int = 0) -> Job:
    return Job(f"id-{name}-{number}", name, state, 1000, 0)


def status(*jobs: Job) -> StackStatus:
    process = Process("kafka", "RUNNING", 1, 0, "")
    return StackStatus(StackSettings(), [process], {}, [], list(jobs), [])


def text(*jobs: Job) -> str:
    return rendered(*tables(status(*jobs)))


def test_running_jobs_come_first_and_finished_queries_are_a_number() -> None:
    queries = [job("SELECT * FROM windows", "FINISHED", number) for number in range(30)]
    found = text(*queries, job("analytics", "RESTARTING"), job("books", "RUNNING"))
    assert "SELECT" not in found and "Not shown: 30 ended jobs and queries" in found
    assert found.index("books") < found.index("analytics")


def test_a_failed_job_is_shown_until_it_runs_again() -> None:
    failed = job("books", "FAILED", 1)
    assert shown_jobs([failed], ["books"]) == [failed]
    again = job("books", "RUNNING", 2)
    assert shown_jobs([again, failed], []) == [again]
    assert shown_jobs([job("books", "CANCELED", 2), failed], []) == []


def test_a_stack_without_a_running_job_names_the_command_that_starts_one() -> None:
    assert "No job is running: `depthflow submit books`" in text(job("books", "FINISHED"))


def test_no_name_is_cut_and_no_line_is_wrapped_where_output_is_no_terminal() -> None:
    found = text(job("x" * 39, "RUNNING"))
    assert "x" * 39 in found and f"id-{'x' * 39}-0" in found
