"""A write-only file that becomes an S3 object with `complete`, by multipart upload.

Memory: one part of 16 MB, so that an object has at most 160 GB (10,000 parts).
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html (Amazon S3 multipart upload limits)
Nothing is visible before `complete`; `abort` leaves nothing (a lifecycle rule takes what a crash left).
"""

import io
from typing import Any

PART = 16 << 20


class Upload:
    """An object that is written part by part."""

    def __init__(self, s3: Any, bucket: str, key: str):
        self._s3, self.key, self.size = s3, key, 0
        self._target = {"Bucket": bucket, "Key": key}
        self._id: str = s3.create_multipart_upload(**self._target)["UploadId"]
        self._parts: list[dict[str, Any]] = []
        self._pending = bytearray()

    def write(self, data: bytes) -> int:
        """Takes the bytes; sends what makes a part."""
        self._pending += data
        while len(self._pending) >= PART:
            self._send(bytes(memoryview(self._pending)[:PART]))
            del self._pending[:PART]
        return len(data)

    def flush(self) -> None:
        """Does nothing: a part but the last has at least 5 MB."""

    def seek(self, *_: int) -> int:
        """Raises io.UnsupportedOperation."""
        raise io.UnsupportedOperation("a multipart upload is written from its beginning to its end")

    def _send(self, data: bytes) -> None:
        number = len(self._parts) + 1
        answer = self._s3.upload_part(**self._target, UploadId=self._id, PartNumber=number, Body=data)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        self.size += len(data)

    def complete(self) -> None:
        """Makes the object visible."""
        if self._pending or not self._parts:
            self._send(bytes(self._pending))
        self._s3.complete_multipart_upload(
            **self._target, UploadId=self._id, MultipartUpload={"Parts": self._parts}
        )

    def abort(self) -> None:
        """Throws away what was sent."""
        self._s3.abort_multipart_upload(**self._target, UploadId=self._id)
