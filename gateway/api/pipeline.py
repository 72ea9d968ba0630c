"""Jobs and processes of the pipeline."""

from fastapi import APIRouter
from starlette.responses import Response

from gateway.api import pipeline_example
from gateway.api.access import Context, Viewer
from gateway.api.responses import answers
from gateway.encoding import json_response
from gateway.pipeline.documents import PipelineAnswer

router = APIRouter(prefix="/api", tags=["system"])


@router.get(
    "/pipeline", response_class=Response, responses=answers(PipelineAnswer, pipeline_example.PIPELINE, 401, 429)
)
async def pipeline(account: Viewer, context: Context) -> Response:
    """Throughput, latency, checkpoints, gaps and dead letters of jobs and processes; causes of missing answers."""
    return json_response(await context.pipeline.read())
