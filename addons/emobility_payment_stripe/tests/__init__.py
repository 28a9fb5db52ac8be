from . import test_holds, test_webhooks
