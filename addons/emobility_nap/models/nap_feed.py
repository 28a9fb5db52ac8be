from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.emobility_roaming.ocpi import v221
from odoo.addons.emobility_roaming.ocpi.transport import envelope
from odoo.addons.emobility_roaming.ocpi_location import electrical

from .. import datex
from .nap_ocpi import Public

# Changes are looked for at most so often; what is dynamic must be out within a minute.
CHECK_SECONDS = 20
_STATUS = {"available": "available", "occupied": "occupied", "unavailable": "unavailable"}


@dataclass(frozen=True)
class Document:
    """What is sent: nothing when `body` is empty."""

    body: bytes
    etag: str
    changed_at: datetime
    content_type: str


class EmobilityNapFeed(models.AbstractModel):
    """Makes the public data: looks for changes, and writes snapshots and deltas of them."""

    _name = "emobility.nap.feed"
    _description = "Public Data Feed"

    @api.model
    def _document(self, publication: Any, kind: str, since: datetime | None = None) -> Document | None:
        """A snapshot, or what changed since then. None: another request is just making the first."""
        publication = self._prepared(publication)
        feed = self.with_env(publication.env)
        feed._observe(publication)
        if not publication.checked_at:
            return None
        if since:
            body = feed._render(publication, kind, since)
            return Document(body, _digest(body), fields.Datetime.now(), _content_type(kind))
        kept = publication.env["emobility.nap.document"].search(
            [("publication_id", "=", publication.id), ("kind", "=", kind)]
        )
        # Who does not get the lock sends what is kept: another request is just making the next one.
        if kept.revision != publication.revision and kept.try_lock_for_update():
            feed._keep(publication, kind, kept)
        if not kept.etag:
            return None
        return Document(base64.b64decode(kept.body or b""), kept.etag, kept.changed_at, _content_type(kind))

    @api.model
    def _prepared(self, publication: Any) -> Any:
        """As the company, and in the language of the publication."""
        return publication.sudo().with_company(publication.company_id).with_context(lang=publication.lang_id.code)

    # Which places

    @api.model
    def _locations(self, publication: Any) -> Any:
        """The one place that says what is public: open to anybody, and shown to anybody."""
        return publication.env["emobility.location"].search(
            [
                ("company_id", "=", publication.company_id.id),
                ("country_id", "=", publication.country_id.id),
                ("roaming_partner_id", "=", False),
                ("is_public", "=", True),
                ("is_published", "=", True),
                ("evse_ids", "!=", False),
                ("city", "!=", False),
                "|", ("latitude", "!=", 0), ("longitude", "!=", 0),
            ],
            order="id",
        )  # fmt: skip

    # What has changed

    @api.model
    def _observe(self, publication: Any) -> None:
        """Note what changed since it was looked at last, unless that was just now or another request is at it.

        A request that began before the other one ended finds the row changed: then Odoo repeats it.
        """
        now = fields.Datetime.now()
        if publication.checked_at and publication.checked_at > now - timedelta(seconds=CHECK_SECONDS):
            return
        if not publication.try_lock_for_update(allow_referencing=True):
            return
        known = {point.evse_id.id: point for point in publication.point_ids}
        changed = False
        for location in self._locations(publication):
            site = self._site(publication, location)
            by_uid = {evse.uid: evse for evse in location.evse_ids}
            for station in site.stations:
                for point in station.points:
                    evse = by_uid[point.id]
                    seen = self._seen(publication, site, station, point, evse)
                    changed |= self._note(publication, known.pop(evse.id, None), seen, now)
        for gone in known.values():
            if not gone.withdrawn:
                gone.write({"withdrawn": True, "static_at": now, "dynamic_at": now})
                changed = True
        publication.write({"checked_at": now, "revision": publication.revision + changed})

    @api.model
    def _seen(self, publication: Any, site: Any, station: Any, point: Any, evse: Any) -> dict[str, Any]:
        bare = replace(site, stations=(), version="", updated=site.since)
        still = replace(point, updated=site.since)
        static = (bare, replace(station, points=()), still)
        return {
            "publication_id": publication.id,
            "evse_id": evse.id,
            "site_ref": site.id,
            "station_ref": station.id,
            "static_print": _digest(repr(static)),
            "dynamic_print": _digest(repr((self._status(evse), point.rate))),
        }

    @api.model
    def _note(self, publication: Any, point: Any, seen: dict[str, Any], now: datetime) -> bool:
        if not point:
            publication.env["emobility.nap.point"].create(seen | {"static_at": now, "dynamic_at": now})
            return True
        news: dict[str, Any] = {}
        if point.withdrawn or point.static_print != seen["static_print"]:
            news |= seen | {"static_at": now, "withdrawn": False}
        if point.withdrawn or point.dynamic_print != seen["dynamic_print"]:
            news |= {"dynamic_print": seen["dynamic_print"], "dynamic_at": now}
        if news:
            point.write(news)
        return bool(news)

    # Documents

    @api.model
    def _keep(self, publication: Any, kind: str, kept: Any) -> None:
        body = self._render(publication, kind, None)
        etag = _digest(body)
        values: dict[str, Any] = {"revision": publication.revision}
        if kept.etag != etag:
            values |= {"body": base64.b64encode(body), "etag": etag, "changed_at": fields.Datetime.now()}
        kept.write(values)

    @api.model
    def _render(self, publication: Any, kind: str, since: datetime | None) -> bytes:
        standard, *rest = kind.split("/")
        if standard == "datex2":
            write = self._static_data if rest == ["table"] else self._dynamic_data
            return write(publication, since)
        version, module = rest
        public = Public(publication.company_id, version)
        items = self._ocpi_locations if module == "locations" else self._ocpi_tariffs
        newest = self._newest(publication)
        return json.dumps(envelope(items(publication, public, since), now=newest), ensure_ascii=False).encode()

    @api.model
    def _newest(self, publication: Any) -> datetime:
        """When anything changed last: the time of a document that is the same for the same data."""
        points = publication.point_ids
        times = [*points.mapped("static_at"), *points.mapped("dynamic_at")]
        return _aware(max(times, default=publication.create_date))

    @api.model
    def _frame(self, publication: Any) -> datex.Publication:
        company = publication.company_id
        static = max(publication.point_ids.mapped("static_at"), default=publication.create_date)
        return datex.Publication(
            at=self._newest(publication),
            country=publication.country_id.code,
            national_identifier=publication.national_identifier,
            language=_language(publication),
            table_id=f"{company.emobility_country_code}*{company.emobility_party_id}",
            table_name=company.name,
            version=_version(static),
            is_test=publication.is_test,
        )

    # DATEX II

    @api.model
    def _static_data(self, publication: Any, since: datetime | None) -> bytes:
        """The static data; empty when there is nothing to tell, for the schema has no empty table."""
        by_site = publication.point_ids.grouped("site_ref")
        sites = []
        for location in self._locations(publication):
            here = by_site.get(location.code, publication.point_ids.browse())
            changed = max(here.mapped("static_at"), default=None)
            if changed and (not since or changed >= since):
                sites.append(self._site(publication, location, here))
        return datex.table_publication(self._frame(publication), sites) if sites else b""

    @api.model
    def _dynamic_data(self, publication: Any, since: datetime | None) -> bytes:
        by_site = publication.point_ids.grouped("site_ref")
        versions = {site: _version(max(points.mapped("static_at"))) for site, points in by_site.items()}
        states = []
        for point in publication.point_ids.sorted("id"):
            # Of what is gone the delta tells once; the snapshot has only what is there.
            if (point.dynamic_at < since) if since else point.withdrawn:
                continue
            states.append(
                datex.State(
                    site_id=point.site_ref,
                    station_id=point.station_ref,
                    point_id=point.evse_id.uid,
                    version=versions[point.site_ref],
                    updated=_aware(point.dynamic_at),
                    status="removed" if point.withdrawn else self._status(point.evse_id),
                    rate=None if point.withdrawn else self._rate(publication, point.evse_id),
                )
            )
        return datex.status_publication(self._frame(publication), states)

    @api.model
    def _site(self, publication: Any, location: Any, points: Any = None) -> datex.Site:
        changes = {point.evse_id.id: point.static_at for point in points or ()}
        since = _aware(location.create_date)
        updated = max(changes.values(), default=location.create_date)
        operator = location.operator_id if location.operator_id.is_company else location.company_id
        return datex.Site(
            id=location.code,
            version=_version(updated),
            since=since,
            updated=_aware(updated),
            name=location.name,
            street=location.street or "",
            postcode=location.zip or "",
            city=location.city,
            country=location.country_id.code,
            latitude=f"{location.latitude:.6f}",
            longitude=f"{location.longitude:.6f}",
            time_zone=location.time_zone,
            operator_id=location.company_id.emobility_party_id or "",
            operator_name=operator.name,
            hours=None if location.open_always else tuple(
                datex.Hours(int(span.weekday), _clock(span.hour_from), _clock(span.hour_to))
                for span in location.opening_hour_ids
            ),
            stations=tuple(self._stations(publication, location, changes)),
        )  # fmt: skip

    @api.model
    def _stations(self, publication: Any, location: Any, changes: dict[int, datetime]) -> list[datex.Station]:
        """EVSEs of one station together; one of which no station is known stands for itself."""
        stations = []
        for key, evses in location.evse_ids.sorted("id").grouped(_station_ref).items():
            points = tuple(self._point(publication, evse, changes) for evse in evses)
            web = ("website",) if any(point.rate for point in points) else ()
            registered = next((evse.nap_station_id for evse in evses if evse.nap_station_id), "")
            stations.append(datex.Station(key, registered, ("rfid", *web), points))
        return stations

    @api.model
    def _point(self, publication: Any, evse: Any, changes: dict[int, datetime]) -> datex.Point:
        rate = self._rate(publication, evse)
        return datex.Point(
            id=evse.uid,
            updated=_aware(changes.get(evse.id) or evse.create_date),
            evse_id=evse.evse_id or None,
            name=evse.physical_reference or None,
            connectors=tuple(_connector(connector) for connector in evse.connector_ids),
            rate=rate,
            payment=("qrCode", "website") if rate else (),
        )

    @api.model
    def _rate(self, publication: Any, evse: Any) -> datex.Rate | None:
        """The price that all other channels show, too."""
        language = _language(publication)
        sheet = evse._adhoc_sheet(lang=language)
        return sheet and datex.Rate(
            sheet.currency,
            sheet.tax_included,
            tuple(
                datex.Price(line.kind, line.price, sheet.price_text(line, language), line.note) for line in sheet.lines
            ),
            sheet.other,
        )

    @api.model
    def _status(self, evse: Any) -> str:
        return _STATUS.get(evse._live_status(), "unknown")

    # OCPI

    @api.model
    def _ocpi_locations(self, publication: Any, public: Public, since: datetime | None) -> list[dict[str, Any]]:
        writer = self.env["emobility.nap.ocpi"]
        by_site = publication.point_ids.grouped("site_ref")
        result = []
        for location in self._locations(publication):
            here = by_site.get(location.code, publication.point_ids.browse())
            changes = {
                point.evse_id.uid: max(point.static_at, point.dynamic_at) for point in here if not point.withdrawn
            }
            if not changes or (since and max(map(_changed, here)) < since):
                continue
            try:
                data = writer._render(public, "locations", location)
            except (ValidationError, ValueError, UserError):
                # What OCPI cannot hold is told in DATEX II only.
                continue
            data["last_updated"] = v221.instant_text(_aware(max(map(_changed, here))))
            for evse in data.get("evses", ()):
                evse["last_updated"] = v221.instant_text(_aware(changes.get(evse["uid"], publication.create_date)))
            result.append(data)
        return result

    @api.model
    def _ocpi_tariffs(self, publication: Any, public: Public, since: datetime | None) -> list[dict[str, Any]]:
        """The tariffs that the locations name."""
        writer = self.env["emobility.nap.ocpi"]
        points = publication.point_ids.filtered(lambda point: not point.withdrawn)
        changed: dict[Any, datetime] = {}
        for point in points:
            version = point.evse_id._adhoc_version()
            if writer._is_tariff(version):
                changed[version] = max(changed.get(version, version.write_date), point.dynamic_at)
        return [
            writer._tariff(public, version)
            for version, at in sorted(changed.items(), key=lambda item: item[0].id)
            if not since or at >= since
        ]


def _changed(point: Any) -> datetime:
    return max(point.static_at, point.dynamic_at)


def _station_ref(evse: Any) -> str:
    if evse.nap_station_id:
        return f"{evse.location_id.code}-{evse.nap_station_id}"
    return evse.station_id.identity or f"{evse.uid}-station"


def _connector(connector: Any) -> datex.Connector:
    power = electrical(connector.power_type, connector.max_power_kw)
    return datex.Connector(
        connector.standard,
        connector.connector_format,
        connector.power_type,
        power["max_electric_power"],
        power["max_voltage"],
        power["max_amperage"],
    )


def _language(publication: Any) -> str:
    return publication.lang_id.iso_code[:2]


def _content_type(kind: str) -> str:
    return "application/xml; charset=utf-8" if kind.startswith("datex2/") else "application/json; charset=utf-8"


def _version(changed: datetime) -> str:
    """The version of an object of DATEX II: it goes up with each change."""
    return str(int(_aware(changed).timestamp()))


def _clock(hour: float) -> str:
    return f"{int(hour):02d}:{round(hour % 1 * 60):02d}"


def _digest(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:32]


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)
