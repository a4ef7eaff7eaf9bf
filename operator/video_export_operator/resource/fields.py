"""What the parts of the spec are made of: frozen values, and texts that are refused with advice."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


def matching(pattern: str, advice: str) -> Callable[[str], str]:
    """Return a check whose error is advice, not a regular expression."""
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not compiled.search(text):
            raise ValueError(advice)
        return text

    return check


IMAGE = matching(
    r"^([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$",
    "must be an image reference such as ghcr.io/example/video-export-worker:0.1.0 or NAME@sha256:DIGEST",
)
ADDRESS = matching(
    r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$",
    "must be HOST:PORT without a scheme, for example temporal-frontend.temporal:7233",
)
STORAGE_URI = matching(
    r"^(s3|gs|az|file)://.+", "must begin with s3://, gs://, az:// or file:// and name a bucket or folder"
)

PREFIX = matching(r"^(s3|gs|az|file)://[^\s,]*$", "must be a prefix such as s3://recordings or s3://bucket/folder")
PROFILE = matching(
    r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$",
    "must be a path below the kubelet's seccomp folder, for example profiles/x.json",
)
CIDR = matching(r"^[0-9a-fA-F:.]+/[0-9]{1,3}$", "must be a range of addresses such as 10.0.0.0/8")

Prefixes = Annotated[tuple[Annotated[str, Field(max_length=1024), AfterValidator(PREFIX)], ...], Field(max_length=50)]
Replicas = Annotated[int, Field(ge=0, le=1000)]
Port = Annotated[int, Field(ge=1, le=65535)]
Labels = dict[str, str]


class Part(BaseModel):
    """A frozen part of the spec. Unknown fields are the API server's business: an operator of yesterday
    must be able to read a resource of today's CRD.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")


class SecretName(Part):
    """A Secret of the resource's namespace."""

    name: str


class SecretKey(SecretName):
    """One key of a Secret."""

    key: str = "apiKey"
