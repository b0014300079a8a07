"""What `pulumi import` needs of a language, where Pulumi's own host for Python is not installed: which packages a
program requires, and that is none. It runs no program: the tests' programs run inline.

The engine starts `pulumi-language-python` and reads a port from its first line
(https://pulumi-developer-docs.readthedocs.io/latest/docs/architecture/languages.html).
"""

import os
import signal
import stat
import sys
import threading
from concurrent import futures
from pathlib import Path

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2


class Host(LanguageServer):
    """The SDK's own answers, and the two that its server leaves out."""

    def Handshake(self, request, context):
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="0.0.0")


def installed(folder: Path) -> Path:
    """A folder for PATH with the host in it."""
    script = folder / "pulumi-language-python"
    root = Path(__file__).resolve().parents[2]
    script.write_text(f'#!/bin/sh\ncd "{root}" && exec "{sys.executable}" -m tests.e2e.language_host\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder


def main() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(lambda: None), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    print(port, flush=True)
    engine = os.getppid()
    while os.getppid() == engine and not ended.wait(0.5):
        pass
    server.stop(None)


if __name__ == "__main__":
    main()
