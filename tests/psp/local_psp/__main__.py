"""`python -m local_psp --port 8900`: serves until it is stopped."""

import argparse
import threading

from . import Psp, serving

parser = argparse.ArgumentParser(prog="local_psp", description=__doc__)
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--webhook-url", help="where events are sent to at once")
options = parser.parse_args()
with serving(Psp(webhook_url=options.webhook_url), options.port) as psp:
    print(psp.base_url, flush=True)
    threading.Event().wait()
