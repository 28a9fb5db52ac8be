"""Long-running processes: started with a log file each, stopped in reverse order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from runner.console import RunError
from runner.paths import LOGS


def free_port(preferred: int) -> int:
    """The preferred port when nobody listens there, else any free one (loopback)."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise RunError("no free port on the loopback interface")


class Service:
    """One process and its log file."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str] | None = None,
                 health_url: str = "") -> None:
        self.name = name
        self.command = command
        self.health_url = health_url
        self.env = os.environ | dict(env or {})
        self.log = LOGS / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Service:
        LOGS.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            # A session of its own, so that Ctrl-C reaches `./run` first and it can stop all in order.
            self.process = subprocess.Popen(self.command, stdout=out, stderr=subprocess.STDOUT, env=self.env,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        return self

    def wait_until_healthy(self, seconds: float = 120) -> Service:
        """Waits until the service answers with HTTP 200 at its health address."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                raise RunError(f"{self.name} ended unexpectedly:\n{self.tail()}")
            try:
                with urllib.request.urlopen(self.health_url, timeout=5) as answer:
                    if answer.status == 200:
                        return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise RunError(f"{self.name} did not answer at {self.health_url}:\n{self.tail()}")

    def kill(self) -> None:
        """SIGKILL for the whole group: what a power cut does."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self, seconds: float = 20) -> None:
        if not self.process or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def tail(self, lines: int = 30) -> str:
        text = Path(self.log).read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class Services:
    """A set of processes that end together."""

    def __init__(self) -> None:
        self._started: list[Service] = []

    def start(self, service: Service) -> Service:
        self._started.append(service)
        return service.start()

    def __enter__(self) -> Services:
        return self

    def __exit__(self, *_: object) -> None:
        for service in reversed(self._started):
            service.stop()
