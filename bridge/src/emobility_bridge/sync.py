"""Copies tokens and stations from Odoo, and takes its commands."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from . import rpc
from .database import Connection, Database, fetch_one
from .normalise import parse_time
from .odoo import Odoo, OdooFault, OdooUnavailable

_logger = logging.getLogger(__name__)


class Sync:
    """One pull is one transaction: the copy and its cursor move together."""

    def __init__(self, database: Database, odoo: Odoo) -> None:
        self._database, self._odoo = database, odoo
        self._failing = False

    async def pull(self) -> bool:
        """Pull once; False when Odoo or PostgreSQL is away (said once in the log until it works again)."""
        try:
            async with self._database.transaction() as connection:
                state = await fetch_one(connection, "SELECT cursor FROM sync_state")
            answer = await self._odoo.sync(state["cursor"] if state else False)
            async with self._database.transaction() as connection:
                await _store(connection, answer)
        except (OdooUnavailable, OdooFault, psycopg.Error, OSError) as error:
            if not self._failing:
                _logger.warning("The pull from Odoo fails: %s", error)
                await self._note_failure()
            self._failing = True
            return False
        self._failing = False
        return True

    async def _note_failure(self) -> None:
        with contextlib.suppress(psycopg.Error, OSError):
            async with self._database.transaction() as connection:
                await connection.execute("UPDATE sync_state SET tried_at = now()")


async def _store(connection: Connection, answer: dict[str, Any]) -> None:
    full = bool(answer.get("full"))
    await _store_tokens(connection, answer.get("tokens") or [], full)
    await _store_stations(connection, answer.get("stations") or [], full)
    await _store_tariffs(connection, answer.get("stations") or [], full)
    await _store_commands(connection, answer.get("commands") or [])
    await connection.execute(
        "UPDATE sync_state SET cursor = %s, synced_at = now()", [Jsonb(answer.get("cursor") or False)]
    )


async def _store_tokens(connection: Connection, tokens: list[dict[str, Any]], full: bool) -> None:
    if full:
        await connection.execute("DELETE FROM token")
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO token (key, uid, type, status, valid_until, group_id, price_group)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO UPDATE SET"
            " uid = EXCLUDED.uid, type = EXCLUDED.type, status = EXCLUDED.status, valid_until = EXCLUDED.valid_until,"
            " group_id = EXCLUDED.group_id, price_group = EXCLUDED.price_group",
            [
                (
                    token["uid"].upper(),
                    token["uid"],
                    token.get("type") or "OTHER",
                    token.get("status") or "Invalid",
                    parse_time(token.get("valid_until")),
                    token.get("group") or None,
                    token.get("price_group") or None,
                )
                for token in tokens
            ],
        )


async def _store_stations(connection: Connection, stations: list[dict[str, Any]], full: bool) -> None:
    if full:
        await connection.execute("DELETE FROM station")
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO station (identity, password_hash, accepted, offline_policy, security_profile, certificates)"
            " VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (identity) DO UPDATE SET password_hash = EXCLUDED.password_hash,"
            " accepted = EXCLUDED.accepted, offline_policy = EXCLUDED.offline_policy,"
            " security_profile = EXCLUDED.security_profile, certificates = EXCLUDED.certificates",
            [
                (
                    station["identity"],
                    station.get("password_hash") or "",
                    bool(station.get("accepted")),
                    station.get("offline_policy") or "accept_known",
                    int(station.get("security_profile") or 1),
                    [serial.upper() for serial in station.get("certificates") or []],
                )
                for station in stations
            ],
        )


async def _store_tariffs(connection: Connection, stations: list[dict[str, Any]], full: bool) -> None:
    """What drivers pay at a station, by the price group of their tokens; what OCPP does not allow is left out."""
    if full:
        await connection.execute("DELETE FROM driver_tariff")
    rows = []
    for station in stations:
        identity = station["identity"]
        for price_group, told in (station.get("tariffs") or {}).items():
            problem = rpc.schema_problem("2.1", "SetDefaultTariff", {"evseId": 0, "tariff": told["tariff"]})
            if problem is None:
                rows.append((identity, price_group, Jsonb(told["tariff"]), parse_time(told["until"])))
            else:
                _logger.warning("A tariff is not told: %s", problem, extra={"station": identity})
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "DELETE FROM driver_tariff WHERE station = %s", [(station["identity"],) for station in stations]
        )
        await cursor.executemany(
            "INSERT INTO driver_tariff (station, price_group, tariff, valid_until) VALUES (%s, %s, %s, %s)", rows
        )


async def _store_commands(connection: Connection, commands: list[dict[str, Any]]) -> None:
    """Odoo repeats a command until it has a result, so one that is known already is left alone."""
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO command (uid, station, action, payload, expires_at) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (uid) DO NOTHING",
            [
                (
                    command["uid"],
                    command["station"],
                    command["action"],
                    Jsonb(command.get("payload") or {}),
                    parse_time(command.get("expires_at")),
                )
                for command in commands
            ],
        )
