"""The plugin that closes the OpenSearch node to all but its cloud: `local/opensearch/Guard.java`, compiled once.

OpenSearch itself answers whoever reaches its port. The plugin wants the secret of the node in a header, which a web
page can't send and another user of the machine doesn't know. It is compiled by the `javac` beside the `java` that
runs it; a runtime without one gets Eclipse's compiler (ECJ) from Maven, checked by its digest.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from pathlib import Path

from local import verified

HEADER = "X-Tributary-Node"  # as in Guard.java
VARIABLE = "TRIBUTARY_NODE_SECRET"
PLUGIN = "tributary.Guard"
SOURCE = verified.HERE / "opensearch" / "Guard.java"
COMPILER = verified.digests(verified.HERE / "opensearch" / "compiler.sha256")
OPTIONS = ["-proc:none", "-nowarn", "-source", "17", "-target", "17"]


def compiled(java: str, jars: Path, cache: Path) -> Path:
    """The jar of the plugin's classes, made if need be; Unverified if it can't be compiled."""
    name = hashlib.sha256(SOURCE.read_bytes() + jars.name.encode()).hexdigest()[:16]
    jar = cache / f"opensearch-guard-{name}.jar"
    if jar.exists():
        return jar
    with tempfile.TemporaryDirectory(dir=cache, prefix=".guard-") as temporary:
        classes = Path(temporary) / "classes"
        path = os.pathsep.join(str(jar) for jar in sorted(jars.glob("*.jar")))
        verified.run(
            [*compiler(java, Path(temporary)), *OPTIONS, "-d", str(classes), "-cp", path, str(SOURCE)],
            "OpenSearch's guard could not be compiled",
        )
        # Java archives classes that it has loaded from jars only.
        packed = Path(temporary) / "guard.jar"
        with zipfile.ZipFile(packed, "w") as written:
            for path in sorted(classes.rglob("*.class")):
                written.write(path, path.relative_to(classes))
        packed.replace(jar)
    return jar


def compiler(java: str, folder: Path) -> list[str]:
    """The command that compiles Java: the JDK's own, else one that is downloaded."""
    javac = Path(java).resolve().with_name("javac")
    if javac.exists():
        return [str(javac)]
    verified.download(COMPILER, folder)
    return [java, "-jar", *(str(folder / path.rsplit("/", 1)[1]) for path in COMPILER)]
