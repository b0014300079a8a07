"""The two services that export: DynamoDB by client token, RDS by identifier. Each writes its files when it is done."""

import base64
import gzip
import hashlib
import io
import json
from datetime import UTC, datetime
from typing import Any

from tests.typed import pa, pq

ORDERS = "arn:aws:dynamodb:us-east-1:111111111111:table/orders"


def refusal(code: Any) -> tuple[int, dict[str, str], bytes]:
    """A refusal in DynamoDB's form."""
    return 400, {}, json.dumps({"__type": code, "message": "no"}).encode()


class DynamoDB:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html"""

    def __init__(self, services: Any):
        self.services = services
        self.exports: dict[Any, Any] = {}  # token -> the request
        self.items = [{"id": {"S": f"o{n}"}, "total": {"N": str(n)}} for n in range(6)]
        self.changes = [
            ({"id": {"S": "o1"}}, {"id": {"S": "o1"}, "total": {"N": "99"}}),
            ({"id": {"S": "o2"}}, None),
        ]

    def ExportTableToPointInTime(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        before = self.exports.setdefault(request["ClientToken"], request)
        if before != request:
            return refusal("ExportConflictException")
        export = {"ExportArn": self.arn(request["ClientToken"]), "ExportStatus": "IN_PROGRESS"}
        return 200, {}, json.dumps({"ExportDescription": export}).encode()

    def arn(self, token: Any):
        return f"{ORDERS}/export/{list(self.exports).index(token):04}-{token[:8]}"

    def DescribeExport(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        (export,) = [e for token, e in self.exports.items() if self.arn(token) == request["ExportArn"]]
        description = {"ExportArn": request["ExportArn"], "ExportStatus": "COMPLETED"} | self._written(
            export, request["ExportArn"].rpartition("/")[2]
        )
        return 200, {}, json.dumps({"ExportDescription": description}).encode()

    def DescribeTable(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        described = {
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        }
        return 200, {}, json.dumps({"Table": described}).encode()

    def _written(self, export: Any, export_id: Any):
        folder = f"{export['S3Prefix']}/AWSDynamoDB/{export_id}/"
        if export["ExportType"] == "FULL_EXPORT":
            lines, data = [{"Item": item} for item in self.items], f"{folder}data/"
        else:
            lines = [
                {"Metadata": {"WriteTimestampMicros": {"N": str(at + 1)}}, "Keys": keys}
                | ({"NewImage": image} if image else {})
                for at, (keys, image) in enumerate(self.changes)
            ]
            data = f"{export['S3Prefix']}/AWSDynamoDB/data/"
        half = len(lines) // 2
        manifest: list[Any] = []
        for name, part in (("a", lines[:half]), ("b", lines[half:])):
            content = gzip.compress("".join(json.dumps(line) + "\n" for line in part).encode(), mtime=0)
            key = f"{data}{export_id}-{name}.json.gz"
            self.services.objects[key] = content
            digest = hashlib.md5(content)
            manifest.append(
                {"itemCount": len(part), "md5Checksum": base64.b64encode(digest.digest()).decode(),
                 "etag": digest.hexdigest(), "dataFileS3Key": key}
            )  # fmt: skip
        listed = "".join(json.dumps(line) + "\n" for line in manifest).encode()
        summary = {
            "itemCount": len(lines), "exportArn": f"{ORDERS}/export/{export_id}", "tableArn": ORDERS,
            "exportTime": "2026-01-02T03:00:00Z", "billedSizeBytes": 1,
        }  # fmt: skip
        self.services.objects |= {
            f"{folder}manifest-files.json": listed,
            f"{folder}manifest-files.md5": base64.b64encode(hashlib.md5(listed).digest()),
            f"{folder}manifest-summary.json": json.dumps(summary).encode(),
        }
        return {"ItemCount": len(lines), "ExportManifest": f"{folder}manifest-summary.json"}


class Rds:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StartExportTask.html: an identifier is never free
    again; a snapshot's name is taken while the snapshot is there."""

    def __init__(self, services: Any):
        self.services = services
        self.snapshots: dict[Any, Any] = {}
        self.tasks: dict[Any, Any] = {}

    def state(self):
        return self.snapshots, self.tasks

    def CreateDBSnapshot(self, request: Any):
        name = request["DBSnapshotIdentifier"]
        if name in self.snapshots:
            return fault("DBSnapshotAlreadyExists")
        self.snapshots[name] = datetime(2026, 1, 2, 3, tzinfo=UTC)
        return xml("CreateDBSnapshot", self._snapshot(name))

    def DescribeDBSnapshots(self, request: Any):
        name = request.get("DBSnapshotIdentifier")
        if name not in self.snapshots:
            return fault("DBSnapshotNotFound")
        return xml("DescribeDBSnapshots", f"<DBSnapshots>{self._snapshot(name)}</DBSnapshots>")

    def DeleteDBSnapshot(self, request: Any):
        if self.snapshots.pop(request["DBSnapshotIdentifier"], None) is None:
            return fault("DBSnapshotNotFound")
        return xml("DeleteDBSnapshot", "")

    def _snapshot(self, name: Any):
        arn = f"arn:aws:rds:us-east-1:111111111111:snapshot:{name}"
        return (
            f"<DBSnapshot><DBSnapshotIdentifier>{name}</DBSnapshotIdentifier><DBSnapshotArn>{arn}</DBSnapshotArn>"
            "<Status>available</Status><SnapshotCreateTime>2026-01-02T03:00:00Z</SnapshotCreateTime></DBSnapshot>"
        )

    def StartExportTask(self, request: Any):
        name = request["ExportTaskIdentifier"]
        if name in self.tasks:
            return fault("ExportTaskAlreadyExists")
        self.tasks[name] = request
        folder = f"{request['S3Prefix']}/{name}/"
        rows = io.BytesIO()
        pq.write_table(pa.table({"id": pa.array(range(4), pa.int64())}), rows)
        mapping = {"columnName": "id", "originalType": "bigint", "expectedExportedType": "int64"}
        table = {
            "target": "shop.products",
            "status": "COMPLETE",
            "schemaMetadata": {"originalTypeMappings": [mapping]},
        }
        self.services.objects |= {
            f"{folder}export_info_{name}.json": b"{}",
            f"{folder}export_tables_info_{name}_from_1_to_1.json": json.dumps(
                {"perTableStatus": [table]}
            ).encode(),
            f"{folder}shop/shop.products/1/part-00000-a.gz.parquet": rows.getvalue(),
            f"{folder}shop/shop.products/1/_success": b"",
        }
        return xml("StartExportTask", "")

    def DescribeExportTasks(self, request: Any):
        name = request["ExportTaskIdentifier"]
        task = f"<ExportTaskIdentifier>{name}</ExportTaskIdentifier><Status>COMPLETE</Status>"
        task += "<SnapshotTime>2026-01-02T03:00:00Z</SnapshotTime>"
        return xml("DescribeExportTasks", f"<ExportTasks><ExportTask>{task}</ExportTask></ExportTasks>")


def xml(action: Any, inner: Any) -> tuple[int, dict[str, str], bytes]:
    """An answer in RDS's form."""
    return 200, {}, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>".encode()


def fault(code: Any) -> tuple[int, dict[str, str], bytes]:
    """A refusal in RDS's form."""
    return 400, {}, f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode()
