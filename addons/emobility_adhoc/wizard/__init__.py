from . import payout_import
