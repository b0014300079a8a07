"""Property values: to and from Pulumi's wire form, what counts as the same value, and archives as zip bytes.

The wire form is protobuf's Struct; an unknown value is one of the sentinels of Pulumi's plugin protocol
(sdk/go/common/resource/plugin/rpc.go), an asset or archive an object with a signature key
(sdk/go/common/resource/properties.go). Assets keep their wire form here; the engine has put their hash in.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from local.plain import is_list, is_object

Props = dict[str, Any]
"""A resource's, a function's or a provider's properties by name, as plain values."""
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWNS = {
    UNKNOWN, "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}  # fmt: skip
SIGNATURE = "4dabf18193072939515e22adb298388d"
ASSET, ARCHIVE = "c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"


def plain(struct: struct_pb2.Struct) -> Props:
    """A Struct as Python; whole numbers become int, nulls are left out of objects."""
    return {k: plain_value(v) for k, v in struct.fields.items() if v.WhichOneof("kind") != "null_value"}


def plain_value(value: struct_pb2.Value) -> Any:
    """A Struct's Value as Python; a null is None."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain(value.struct_value)
    if kind == "list_value":
        return [plain_value(v) for v in value.list_value.values]
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    return None if kind in (None, "null_value") else getattr(value, kind)


def wire(values: Props) -> struct_pb2.Struct:
    """Values as protobuf's Struct, which `plain` reads."""
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


def unknown(value: Any) -> bool:
    """Whether the value, or any part of it, is known only after the deployment."""
    if is_object(value):
        return any(unknown(v) for v in value.values())
    if is_list(value):
        return any(unknown(v) for v in value)
    return isinstance(value, str) and value in UNKNOWNS


def known(value: Any) -> Any:
    """The value without its unknown parts (a list that has one is left out whole)."""
    if is_object(value):
        return {k: known(v) for k, v in value.items() if not (unknown(v) and not is_object(v))}
    return value


def document(text: Any) -> Any:
    """The JSON document that a text holds, or None."""
    if isinstance(text, str) and text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return None
    return None


def canonical(value: Any, policy: bool = False) -> Any:
    """A form that is equal for values that mean the same.

    In a policy document a list of one stands for its element and order says nothing (IAM rewrites both)."""
    if is_object(value):
        if value.get(SIGNATURE) in (ASSET, ARCHIVE) and value.get("hash"):
            return {"hash": value["hash"]}
        policy = policy or "Statement" in value
        return {k: canonical(v, policy) for k, v in value.items()}
    if is_list(value):
        items = [canonical(v, policy) for v in value]
        if policy:
            items = sorted(items, key=lambda v: json.dumps(v, sort_keys=True))
        return items[0] if policy and len(items) == 1 else items
    parsed = document(value)
    return value if parsed is None else canonical(parsed)


def same(a: Any, b: Any) -> bool:
    """Whether two values mean the same: documents by content, archives by hash (canonical)."""
    return canonical(a) == canonical(b)


def seen(declared: Any, actual: Any) -> Any:
    """What a refresh makes of a declared value: the same where the service holds what was declared.

    What the service adds by itself (defaults inside an object, order in a list) is no drift; a changed, missing or
    additional element is. `found` is None when the service returns none: nothing, where an empty value was declared.
    """
    if actual is None:
        return declared if declared in (False, "", 0, [], {}) or declared is None else None
    if is_object(declared) and is_object(actual) and SIGNATURE not in declared:
        values = {k: seen(v, actual.get(k)) for k, v in declared.items()}
        return {k: v for k, v in values.items() if v is not None}
    if is_list(declared) and is_list(actual):
        left, matched = list(actual), list[Any]()
        for item in declared:
            match = next((f for f in left if same(seen(item, f), item)), None)
            if match is not None:
                left.remove(match)
                matched.append(item)
        return declared if len(matched) == len(declared) and not left else matched + left
    return declared if same(declared, actual) else actual


def archive(value: Props) -> bytes:
    """An archive (a folder, a .zip file, or a map of names to assets) as zip bytes; an asset as its own bytes.

    Sorted names and fixed times: the same content is the same bytes."""
    if value.get(SIGNATURE) == ASSET:
        return value["text"].encode() if value.get("text") is not None else local_path(value).read_bytes()
    if value.get("assets") is None and local_path(value).is_file():
        return local_path(value).read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in sorted(entries(value)):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)
    return buffer.getvalue()


def local_path(value: Props) -> Path:
    """Where an asset's or archive's file or folder is. ValueError where it states none, as with a remote one."""
    if not value.get("path"):
        raise ValueError(
            f"only local assets and archives can be deployed here, not {value.get('uri') or value}"
        )
    return Path(value["path"])


def entries(value: Props) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file in an archive: of a folder, a .zip file, or assets, with archives as folders."""
    if value.get("assets") is None:
        root = local_path(value)
        if root.is_file():
            with zipfile.ZipFile(root) as source:
                yield from ((n, source.read(n)) for n in source.namelist() if not n.endswith("/"))
            return
        for path in root.rglob("*"):
            if path.is_file():
                yield path.relative_to(root).as_posix(), path.read_bytes()
        return
    for name, item in value["assets"].items():
        if item.get(SIGNATURE) == ASSET:
            yield name, archive(item)
        else:
            yield from ((f"{name}/{inner}".lstrip("./"), content) for inner, content in entries(item))


def without(values: Props, unset: Mapping[str, Any]) -> Props:
    """The values that somebody may have set: none that is empty, and none that is what stands where nothing is set;
    `...` stands for what the service makes up."""
    stated: Props = {}
    for key, value in values.items():
        default = unset.get(key)
        left = without(value, default) if is_object(value) and is_object(default) else value
        if left not in (None, "", [], {}) and default is not ... and left != default:
            stated[key] = left
    return stated
