"""Side effects go through the queue (OCA queue_job), each as a job of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from odoo import SUPERUSER_ID

CHANNEL = "root.emobility"
# Smaller is sooner. Somebody waits for what they started; a file of a year of sessions can wait.
SOON, NORMAL, LATER = 5, 10, 20


def enqueue(
    records: Any, identity_key: str, description: str, *, eta: datetime | None = None, priority: int = NORMAL
) -> Any:
    """The records, on which the next method call becomes a job.

    The job runs as the system and with an empty context: what it does must not depend on the language, the
    companies or the rights of the person who caused it.

    :param identity_key: of jobs with the same key only one waits at a time
    :param eta: not before this time (naive UTC)
    """
    clean = records.with_context({}).with_user(SUPERUSER_ID)  # pylint: disable=context-overridden
    if "company_id" in clean and len(clean.company_id) == 1:
        clean = clean.with_company(clean.company_id)
    return clean.with_delay(
        identity_key=identity_key, description=description, channel=CHANNEL, eta=eta, priority=priority
    )
