"""The stream: made or adopted, its key, what outlives the stack."""

from typing import Any

import pulumi
import pytest

from tests.recording import Recording, record
from tests.unit.pipelines.firehose.recorded import DELIVERY, FUNCTION, NAME, STREAM, config, statements, ticks

KEY = "arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555"


def adopting(existing: dict[str, Any], **keys: Any) -> Recording:
    return record("test", config(stream={"adopt": "trades", **keys}), streams={"trades": existing})


def test_a_created_stream_is_on_demand_and_encrypted() -> None:
    assert ticks().inputs_of("aws:kinesis/stream:Stream", "ticks-stream") == {
        "name": NAME,
        "streamModeDetails": {"streamMode": "ON_DEMAND"},
        "retentionPeriod": 24,
        "encryptionType": "KMS",
        "kmsKeyId": "alias/aws/kinesis",
    }


def test_a_stream_can_have_shards_a_retention_and_a_key() -> None:
    recorded = ticks(stream={"shards": 3, "retention_hours": 168, "key_arn": KEY}, generator=True)
    assert recorded.inputs_of("aws:kinesis/stream:Stream", "ticks-stream") == {
        "name": NAME,
        "streamModeDetails": {"streamMode": "PROVISIONED"},
        "shardCount": 3,
        "retentionPeriod": 168,
        "encryptionType": "KMS",
        "kmsKeyId": KEY,
    }
    through = {
        "StringEquals": {
            "kms:ViaService": "kinesis.eu-central-1.amazonaws.com",
            "kms:EncryptionContext:aws:kinesis:arn": STREAM,
        }
    }
    decrypt = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [KEY], "Condition": through}
    encrypt = decrypt | {"Action": ["kms:GenerateDataKey"]}
    assert statements(recorded, "ticks-source")["DecryptStream"] == decrypt
    for writer in ("generator", "replay"):
        assert statements(recorded, f"ticks-{writer}")["EncryptStream"] == encrypt


def test_an_adopted_stream_is_read_and_never_changed() -> None:
    recorded = adopting({"encryptionType": "NONE", "kmsKeyId": ""})
    assert recorded.of("aws:kinesis/stream:Stream") == {}
    source = recorded.inputs_of(DELIVERY, "ticks")["kinesisSourceConfiguration"]
    assert source["kinesisStreamArn"] == "arn:aws:kinesis:mock:mock:stream/trades"
    assert recorded.inputs_of(FUNCTION, "ticks-replay")["environment"]["variables"]["STREAM"] == "trades"
    assert set(statements(recorded, "ticks-source")) == {"ReadStream"}


@pytest.mark.parametrize(("key", "given"), [(KEY, {}), ("alias/trades", {"key_arn": KEY})])
def test_an_adopted_streams_key_may_be_used(key: str, given: dict[str, str]) -> None:
    recorded = adopting({"encryptionType": "KMS", "kmsKeyId": key}, **given)
    assert statements(recorded, "ticks-source")["DecryptStream"]["Resource"] == [KEY]


def test_an_adopted_streams_key_of_aws_needs_no_grant() -> None:
    recorded = adopting({"encryptionType": "KMS", "kmsKeyId": "alias/aws/kinesis"})
    assert set(statements(recorded, "ticks-source")) == {"ReadStream"}


def test_an_adopted_stream_whose_key_is_known_by_an_alias_is_refused_with_what_to_write() -> None:
    with pytest.raises(
        pulumi.RunError, match=r"stream 'trades' is encrypted with 'alias/trades'.*stream\.key_arn: arn"
    ):
        adopting({"encryptionType": "KMS", "kmsKeyId": "alias/trades"})


def test_a_stream_outlives_the_stack_where_data_are_retained() -> None:
    stream = "aws:kinesis/stream:Stream::ticks-stream"
    assert ticks().requests[stream].retainOnDelete
    assert not record("test", config() | {"retain_data": False}).requests[stream].retainOnDelete


def test_the_generator_puts_records_and_nothing_else() -> None:
    recorded = ticks(generator=True)
    rights = statements(recorded, "ticks-generator")
    assert set(rights) == {"WriteLog", "PutRecords", "KeepWhatFailed"}
    assert rights["PutRecords"] == {"Effect": "Allow", "Action": ["kinesis:PutRecords"], "Resource": [STREAM]}
    assert "ticks-generator" not in ticks().of(FUNCTION)
