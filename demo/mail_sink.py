"""A mail server for the demo and the tests: takes every mail by SMTP and keeps it as a file, delivers nothing.

    python mail_sink.py PORT FOLDER
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Keeper:
    """Writes each mail to `<folder>/<recipient>-<uuid>.eml`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        recipient = "".join(c if c.isalnum() or c in "@.-_" else "_" for c in envelope.rcpt_tos[0])
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        part = self.folder / f".{uuid.uuid4()}.part"
        part.write_bytes(content)
        # The final name appears only with the whole mail in it: readers poll for it.
        part.rename(self.folder / f"{recipient}-{uuid.uuid4()}.eml")
        return "250 kept"


def main() -> None:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    controller = Controller(Keeper(folder), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        asyncio.run(asyncio.Event().wait())
    finally:
        controller.stop()


if __name__ == "__main__":
    main()
