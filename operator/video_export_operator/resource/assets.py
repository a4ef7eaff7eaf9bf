"""How the resource says what is fetched of the images, fonts and style sheets that recordings link to."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from video_export_operator.resource.fields import Part, SecretName, matching

ASSET_HOST = matching(
    r"^(\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)(@[0-9a-fA-F:.]+/[0-9]{1,3}(\+[0-9a-fA-F:.]+/[0-9]{1,3})*)?$",
    "must be a host such as cdn.example, *.example, * or intranet.example@10.1.0.0/16",
)
ASSET_PREFIX = matching(r"^https?://[^\s,=]+$", "must be the beginning of a URL such as https://app.example/static/")
ASSET_PLACE = matching(r"^(https?|s3|gs|az|file)://[^\s,]+$", "must be a URL, or a place such as s3://builds/static/")
PROXY = matching(r"^http://[^\s]+$", "must be a URL such as http://proxy.example:3128")


class AssetMode(StrEnum):
    """Whether linked images, fonts and style sheets are fetched."""

    FETCH = "Fetch"
    NONE = "None"


class AssetPrefix(Part):
    """Where assets whose URLs have a prefix really are."""

    prefix: Annotated[str, Field(max_length=1024), AfterValidator(ASSET_PREFIX)]
    place: Annotated[str, Field(max_length=1024), AfterValidator(ASSET_PLACE)]


AssetHosts = Annotated[
    tuple[Annotated[str, Field(max_length=300), AfterValidator(ASSET_HOST)], ...], Field(max_length=100)
]


class AssetHeaders(SecretName):
    """The key of a Secret that holds headers by host."""

    key: str = "headers"


class Assets(Part):
    """How linked images, fonts and style sheets are fetched."""

    mode: AssetMode = AssetMode.FETCH
    hosts: AssetHosts = ()
    denied_hosts: AssetHosts = ()
    proxy_url: Annotated[str, Field(max_length=1024), AfterValidator(PROXY)] | None = None
    prefixes: Annotated[tuple[AssetPrefix, ...], Field(max_length=50)] = ()
    headers_secret_ref: AssetHeaders | None = None
