"""`video-export schema`: what a client sends and gets, as JSON Schema."""

from __future__ import annotations

import json
from typing import Final

import click
from pydantic import BaseModel

from video_export_worker.contract import Progress, VideoExportRequest, VideoExportResult

SHAPES: Final[dict[str, type[BaseModel]]] = {
    "request": VideoExportRequest,
    "result": VideoExportResult,
    "progress": Progress,
}


@click.command("schema")
@click.argument("shape", type=click.Choice(list(SHAPES)), default="request")
def schema_command(shape: str) -> None:
    """Print the JSON Schema of a request, of a result, or of what the query `progress` answers.

    \b
    video-export schema > request.schema.json
    video-export schema result
    """
    # A request is described as it is sent, what comes back as it is written.
    schema = SHAPES[shape].model_json_schema(mode="validation" if shape == "request" else "serialization")
    click.echo(json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2))
