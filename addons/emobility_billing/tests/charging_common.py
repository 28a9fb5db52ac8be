"""Sessions and invoices for the tests of what a customer sees, and of the import."""

from datetime import datetime, timedelta
from typing import Any

from .common import ChargingCommon


class ChargedCommon(ChargingCommon):
    """A gross tariff of energy and start fee, and a customer with an address."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company.write({"street": "Stromweg 1", "zip": "80331", "city": "München"})
        cls.location.write({"name": "Marktplatz", "city": "München"})
        cls.evse.evse_id = "DE*ABC*E1"
        cls.connector.write({"power_type": "DC", "max_power_kw": 50})
        cls.driver.write({"name": "Anna Ampere", "street": "Kabelgasse 2", "zip": "10115", "city": "Berlin"})
        cls.rule.unlink()
        cls.gross_tariff = cls._old_tariff("gross")
        cls.price_rule = cls._make_rule(cls.gross_tariff)

    @classmethod
    def _old_tariff(cls, price_mode: str) -> Any:
        """A tariff that is in force for sessions of all years."""
        prices = {"ENERGY": 0.49, "FLAT": 0.35}
        return cls._make_tariff(
            f"city-{price_mode}", prices, mode=price_mode, valid_from="2010-01-01 00:00:00"
        )

    def _charge(self, uid: str, contract: Any, start: datetime, minutes: int, kwh: str) -> Any:
        """A session that is over, in its final state.

        :param start: aware or naive UTC
        """
        end = start + timedelta(minutes=minutes)
        started = {"evse_id": self.evse.id, "connector_id": self.connector.id, "contract_id": contract.id}
        events = [
            self.event(uid, kind, at, payload, source="import")
            for kind, at, payload in (("started", start, started), ("ended", end, {"energy_kwh": kwh}))
        ]
        return self.ingest(events)

    def _invoice(self, sessions: Any) -> Any:
        ratings = sessions.cdr_ids.rating_ids.filtered(lambda rating: rating.state == "open")
        move = self.env["emobility.invoicing"]._invoice(ratings)
        move.action_post()
        return move
