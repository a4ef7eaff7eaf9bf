"""Object storage: recordings in, parts and videos out.

One `Storage` serves every URI of an export: s3://, gs://, az://, file:// (below the worker's own storage) and
memory:// (tests). Failures are those of `video_export_worker.errors`, with what was tried and what to do.
"""

from video_export_worker.storage.objects import Storage, StoredObject
from video_export_worker.storage.places import AllowedPlaces
from video_export_worker.storage.uris import join_uri

__all__ = ["AllowedPlaces", "Storage", "StoredObject", "join_uri"]
