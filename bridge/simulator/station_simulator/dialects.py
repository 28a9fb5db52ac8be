"""What the simulated station says in each OCPP version."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ocpp.routing import after, on
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v21 import ChargePoint as ChargePoint21
from ocpp.v21 import call as call21
from ocpp.v21 import call_result as result21
from ocpp.v201 import ChargePoint as ChargePoint201
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from .plan import Sample

OnStart = Callable[[str, int | None], bool]
OnStop = Callable[[], bool]
OnFirmware = Callable[[str, int | None], None]
OnReport = Callable[[int, bool], None]

_logger = logging.getLogger(__name__)

FIRST_FIRMWARE = "1.0"
SETTINGS = {
    "HeartbeatInterval": "300",
    "MeterValueSampleInterval": "300",
    "NumberOfConnectors": "1",
    "CustomDisplayCostAndPrice": "true",
    "DefaultPrice": "",
}
VARIABLES = {
    "AlignedDataCtrlr.Interval": "900",
    "AuthCtrlr.AuthorizeRemoteStart": "false",
    "ClockCtrlr.TimeSource": "Heartbeat",
    "DisplayMessageCtrlr.Available": "true",
    "DisplayMessageCtrlr.SupportedFormats": "ASCII,UTF8,URI",
    "OCPPCommCtrlr.HeartbeatInterval": "300",
    "SampledDataCtrlr.TxUpdatedInterval": "300",
    "TariffCostCtrlr.Available[Tariff]": "true",
    "TariffCostCtrlr.Currency": "EUR",
}
READ_ONLY = {
    "DisplayMessageCtrlr.Available",
    "DisplayMessageCtrlr.SupportedFormats",
    "TariffCostCtrlr.Available[Tariff]",
}
_REPORT_PART = 4
_FIRMWARE_STEPS = ("Downloading", "Downloaded", "Installing", "Installed")
_FIRMWARE_PAUSE = 1.0


def stamp(at: datetime) -> str:
    """A timestamp as stations send it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Permission:
    """Whether a token may charge, and what that costs its driver, where the central system says so (2.1)."""

    accepted: bool
    tariff: dict[str, Any] | None = None


@dataclass
class Run:
    """The session that is running."""

    evse: int
    token: str
    remote_id: int | None
    transaction_id: Any = None
    sequence: dict[tuple[str, datetime], int] = field(default_factory=dict)

    def sequence_of(self, event_type: str, at: datetime) -> int:
        """The seqNo of a TransactionEvent, which stays the same when the event is sent again."""
        return self.sequence.setdefault((event_type, at), len(self.sequence))


class Dialect:
    """One connection of the station, speaking one version; each method raises when no answer comes."""

    point: Any
    _point: Any
    first_settings: dict[str, str]

    def __init__(
        self,
        identity: str,
        socket: ClientConnection,
        timeout: float,
        settings: dict[str, str],
        on_start: OnStart,
        on_stop: OnStop,
    ) -> None:
        self.point = self._point(identity, socket, timeout)
        self.point.settings = settings
        self.point.on_start, self.point.on_stop, self.point.on_firmware = on_start, on_stop, self.install
        self._socket = socket
        self._task: asyncio.Task[None] | None = None
        self.firmware = FIRST_FIRMWARE

    async def receive(self) -> None:
        """Read until the connection is closed."""
        try:
            await self.point.start()
        except ConnectionClosed:
            return

    async def hang_up(self) -> None:
        """Close the connection."""
        await self._socket.close()

    async def _call(self, message: Any) -> Any:
        return await self.point.call(message, suppress=False)

    @classmethod
    def new_session(cls, evse: int, token: str, remote_id: int | None) -> Run:
        """A session that is about to start."""
        return Run(evse, token, remote_id)

    def install(self, location: str, number: int | None) -> None:
        """Install an image, as slowly as that goes; its version is the name of its file."""
        self._task = asyncio.create_task(self._install(location.rpartition("/")[2], number))

    async def _install(self, file: str, number: int | None) -> None:
        for step in _FIRMWARE_STEPS:
            await asyncio.sleep(_FIRMWARE_PAUSE)
            await self.firmware_status(step, number)
        self.firmware = file.rpartition(".")[0] or file
        await self.boot()

    async def firmware_status(self, status: str, number: int | None) -> None:
        """Say how far an update has come."""
        raise NotImplementedError

    async def boot(self) -> None:
        """Say who the station is."""
        raise NotImplementedError

    async def authorize(self, token: str) -> Permission:
        """Ask whether a token may charge."""
        raise NotImplementedError

    async def status(self, evse: int, status: str, at: datetime) -> None:
        """Say what the connector does, in the words of OCPP 1.6."""
        raise NotImplementedError

    async def start(self, run: Run, at: datetime, register_wh: int) -> None:
        """Start the transaction."""
        raise NotImplementedError

    async def meter(self, run: Run, sample: Sample) -> None:
        """Send a reading."""
        raise NotImplementedError

    async def stop(self, run: Run, at: datetime, register_wh: int, remote: bool) -> None:
        """End the transaction."""
        raise NotImplementedError


def show(text: object) -> None:
    """The display of the station is a line in the log."""
    _logger.info("display: %s", text)


def price_text(tariff: dict[str, Any]) -> str:
    """What a tariff says of itself to people, else its name; from the wire, or with names as the library has them."""
    texts = [text["content"] for text in tariff.get("description") or []]
    return "; ".join(texts) or str(tariff.get("tariff_id") or tariff.get("tariffId"))


class _Point16(ChargePoint16):
    on_start: OnStart
    on_stop: OnStop
    on_firmware: OnFirmware

    settings: dict[str, str]

    @on("GetConfiguration")
    def get_configuration(self, key: list[str] | None = None) -> Any:
        known = [{"key": name, "readonly": False, "value": value} for name, value in self.settings.items()]
        wanted = [setting for setting in known if not key or setting["key"] in key]
        unknown = [name for name in key or [] if name not in self.settings]
        return result16.GetConfiguration(configuration_key=wanted, unknown_key=unknown)

    @on("ChangeConfiguration")
    def change_configuration(self, key: str, value: str) -> Any:
        if key not in self.settings:
            return result16.ChangeConfiguration("NotSupported")
        self.settings[key] = value
        if key == "DefaultPrice":
            show(value)
        return result16.ChangeConfiguration("Accepted")

    @on("DataTransfer")
    def data_transfer(self, data: str | None = None, **_kwargs: Any) -> Any:
        show(data)
        return result16.DataTransfer("Accepted")

    @on("UpdateFirmware")
    def update_firmware(self, location: str, **_kwargs: Any) -> Any:
        self.on_firmware(location, None)
        return result16.UpdateFirmware()

    @on("RemoteStartTransaction")
    def remote_start(self, id_tag: str, **_kwargs: Any) -> Any:
        return result16.RemoteStartTransaction("Accepted" if self.on_start(id_tag, None) else "Rejected")

    @on("RemoteStopTransaction")
    def remote_stop(self, transaction_id: int) -> Any:
        return result16.RemoteStopTransaction("Accepted" if self.on_stop() else "Rejected")


class Dialect16(Dialect):
    """OCPP 1.6."""

    _point = _Point16
    first_settings = SETTINGS

    async def boot(self) -> None:
        await self._call(
            call16.BootNotification(
                charge_point_vendor="Simulated", charge_point_model="E-Mobility", firmware_version=self.firmware
            )
        )

    async def firmware_status(self, status: str, number: int | None) -> None:
        await self._call(call16.FirmwareStatusNotification(status))

    async def authorize(self, token: str) -> Permission:
        answer = await self._call(call16.Authorize(token))
        return Permission(answer.id_tag_info["status"] == "Accepted")

    async def status(self, evse: int, status: str, at: datetime) -> None:
        await self._call(call16.StatusNotification(evse, "NoError", status, timestamp=stamp(at)))

    async def start(self, run: Run, at: datetime, register_wh: int) -> None:
        answer = await self._call(call16.StartTransaction(run.evse, run.token, register_wh, stamp(at)))
        run.transaction_id = answer.transaction_id

    async def meter(self, run: Run, sample: Sample) -> None:
        values = [
            {"value": str(sample.register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": str(sample.power_w), "measurand": "Power.Active.Import", "unit": "W"},
        ]
        meter_value = [{"timestamp": stamp(sample.at), "sampledValue": values}]
        await self._call(call16.MeterValues(run.evse, meter_value, run.transaction_id))

    async def stop(self, run: Run, at: datetime, register_wh: int, remote: bool) -> None:
        reason = "Remote" if remote else "Local"
        await self._call(
            call16.StopTransaction(
                register_wh, stamp(at), run.transaction_id, reason=reason, id_tag=run.token
            )
        )


class _Point20:
    """Device model and display of a station of OCPP 2; messages with an id that is there are replaced."""

    settings: dict[str, str]
    on_report: OnReport

    @on("GetVariables")
    def get_variables(self, get_variable_data: list[dict[str, Any]]) -> Any:
        return result201.GetVariables([self._get(one) for one in get_variable_data])

    def _get(self, asked: dict[str, Any]) -> dict[str, Any]:
        answer = {"component": asked["component"], "variable": asked["variable"]}
        value = self.settings.get(_key(asked))
        if value is None:
            return answer | {"attributeStatus": "UnknownVariable"}
        return answer | {"attributeStatus": "Accepted", "attributeValue": value}

    @on("SetVariables")
    def set_variables(self, set_variable_data: list[dict[str, Any]]) -> Any:
        return result201.SetVariables([self._set(one) for one in set_variable_data])

    def _set(self, wanted: dict[str, Any]) -> dict[str, Any]:
        answer, key = {"component": wanted["component"], "variable": wanted["variable"]}, _key(wanted)
        if key not in self.settings:
            return answer | {"attributeStatus": "UnknownVariable"}
        if key in READ_ONLY:
            return answer | {"attributeStatus": "Rejected"}
        self.settings[key] = wanted["attribute_value"]
        return answer | {"attributeStatus": "Accepted"}

    @on("GetBaseReport")
    def get_base_report(self, report_base: str, **_kwargs: Any) -> Any:
        return result201.GetBaseReport("NotSupported" if report_base == "SummaryInventory" else "Accepted")

    @after("GetBaseReport")
    def report(self, request_id: int, report_base: str) -> None:
        if report_base != "SummaryInventory":
            self.on_report(request_id, report_base == "ConfigurationInventory")

    @on("SetDisplayMessage")
    def set_display_message(self, message: dict[str, Any]) -> Any:
        content = message["message"]
        if content["format"] not in VARIABLES["DisplayMessageCtrlr.SupportedFormats"].split(","):
            return result201.SetDisplayMessage("NotSupportedMessageFormat")
        for each in (content, *message.get("message_extra", [])):
            show(f"{message['id']}: {each['content']}")
        return result201.SetDisplayMessage("Accepted")

    @on("ClearDisplayMessage")
    def clear_display_message(self, id: int) -> Any:
        show(f"{id}: nothing")
        return result201.ClearDisplayMessage("Accepted")

    @on("CostUpdated")
    def cost_updated(self, total_cost: float, **_kwargs: Any) -> Any:
        show(f"so far {total_cost}")
        return result201.CostUpdated()


def _key(named: dict[str, Any]) -> str:
    variable = named["variable"]
    instance = f"[{variable['instance']}]" if variable.get("instance") else ""
    return f"{named['component']['name']}.{variable['name']}{instance}"


def _report_data(key: str, value: str) -> dict[str, Any]:
    component, _, rest = key.partition(".")
    name, _, instance = rest.rstrip("]").partition("[")
    mutability = "ReadOnly" if key in READ_ONLY else "ReadWrite"
    return {
        "component": {"name": component},
        "variable": {"name": name} | ({"instance": instance} if instance else {}),
        "variableAttribute": [{"type": "Actual", "value": value, "mutability": mutability}],
    }


class _Point201(_Point20, ChargePoint201):
    on_start: OnStart
    on_stop: OnStop
    on_firmware: OnFirmware

    @on("UpdateFirmware")
    def update_firmware(self, request_id: int, firmware: dict[str, Any], **_kwargs: Any) -> Any:
        self.on_firmware(firmware["location"], request_id)
        return result201.UpdateFirmware("Accepted")

    @on("RequestStartTransaction")
    def request_start(self, id_token: dict[str, Any], remote_start_id: int, **_kwargs: Any) -> Any:
        accepted = self.on_start(id_token["id_token"], remote_start_id)
        return result201.RequestStartTransaction("Accepted" if accepted else "Rejected")

    @on("RequestStopTransaction")
    def request_stop(self, transaction_id: str) -> Any:
        return result201.RequestStopTransaction("Accepted" if self.on_stop() else "Rejected")


class Dialect201(Dialect):
    """OCPP 2.0.1."""

    _messages: Any = call201
    _point: Any = _Point201

    _STATUS = {"Available": "Available", "Preparing": "Occupied", "Finishing": "Occupied"}

    first_settings = VARIABLES

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.point.on_report = self.report

    @classmethod
    def new_session(cls, evse: int, token: str, remote_id: int | None) -> Run:
        return Run(evse, token, remote_id, transaction_id=str(uuid.uuid4()))

    async def boot(self) -> None:
        station = {"vendorName": "Simulated", "model": "E-Mobility", "firmwareVersion": self.firmware}
        await self._call(self._messages.BootNotification(charging_station=station, reason="PowerUp"))

    async def firmware_status(self, status: str, number: int | None) -> None:
        await self._call(self._messages.FirmwareStatusNotification(status, request_id=number))

    def report(self, number: int, only_settable: bool) -> None:
        """Report the device model, in several parts as stations do."""
        self._task = asyncio.create_task(self._report(number, only_settable))

    async def _report(self, number: int, only_settable: bool) -> None:
        data = [
            _report_data(key, value)
            for key, value in sorted(self.point.settings.items())
            if not (only_settable and key in READ_ONLY)
        ]
        for part, first in enumerate(range(0, len(data), _REPORT_PART)):
            await self._call(
                self._messages.NotifyReport(
                    request_id=number,
                    generated_at=stamp(datetime.now(UTC)),
                    seq_no=part,
                    report_data=data[first : first + _REPORT_PART],
                    tbc=first + _REPORT_PART < len(data),
                )
            )

    async def authorize(self, token: str) -> Permission:
        answer = await self._call(self._messages.Authorize(id_token={"idToken": token, "type": "ISO14443"}))
        return Permission(answer.id_token_info["status"] == "Accepted", getattr(answer, "tariff", None))

    async def status(self, evse: int, status: str, at: datetime) -> None:
        if status in self._STATUS:
            await self._call(
                self._messages.StatusNotification(
                    timestamp=stamp(at), connector_status=self._STATUS[status], evse_id=evse, connector_id=1
                )
            )

    async def start(self, run: Run, at: datetime, register_wh: int) -> None:
        info: dict[str, Any] = {"chargingState": "Charging"}
        if run.remote_id is not None:
            info["remoteStartId"] = run.remote_id
        await self._event(
            run,
            "Started",
            "RemoteStart" if run.remote_id is not None else "Authorized",
            at,
            info,
            _values(at, "Transaction.Begin", register_wh),
            id_token={"idToken": run.token, "type": "ISO14443" if run.remote_id is None else "Central"},
        )

    async def meter(self, run: Run, sample: Sample) -> None:
        values = _values(sample.at, "Sample.Periodic", sample.register_wh, sample.power_w)
        await self._event(
            run, "Updated", "MeterValuePeriodic", sample.at, {"chargingState": "Charging"}, values
        )

    async def stop(self, run: Run, at: datetime, register_wh: int, remote: bool) -> None:
        info = {"chargingState": "EVConnected", "stoppedReason": "Remote" if remote else "Local"}
        trigger = "RemoteStop" if remote else "StopAuthorized"
        await self._event(run, "Ended", trigger, at, info, _values(at, "Transaction.End", register_wh))

    async def _event(
        self,
        run: Run,
        event_type: str,
        trigger: str,
        at: datetime,
        info: dict[str, Any],
        meter_value: list[dict[str, Any]],
        id_token: dict[str, Any] | None = None,
    ) -> None:
        await self._call(
            self._messages.TransactionEvent(
                event_type=event_type,
                timestamp=stamp(at),
                trigger_reason=trigger,
                seq_no=run.sequence_of(event_type, at),
                transaction_info={"transactionId": run.transaction_id, **info},
                meter_value=meter_value,
                evse={"id": run.evse, "connectorId": 1},
                id_token=id_token,
            )
        )


class _Point21(_Point20, ChargePoint21):
    on_start: OnStart
    on_stop: OnStop
    on_firmware: OnFirmware

    def __init__(self, identity: str, socket: ClientConnection, timeout: float) -> None:
        super().__init__(identity, socket, timeout)
        self.tariffs: dict[int, str] = {}  # ids by EVSE; 0 is for all of them

    @on("SetDefaultTariff")
    def set_default_tariff(self, evse_id: int, tariff: dict[str, Any]) -> Any:
        self.tariffs[evse_id] = tariff["tariff_id"]
        show(f"EVSE {evse_id}: {price_text(tariff)}")
        return result21.SetDefaultTariff("Accepted")

    @on("GetTariffs")
    def get_tariffs(self, evse_id: int) -> Any:
        found = {evse: name for evse, name in self.tariffs.items() if evse_id in (0, evse)}
        assignments = [
            {"tariffId": name, "tariffKind": "DefaultTariff", "evseIds": [evse]} for evse, name in found.items()
        ]
        return result21.GetTariffs("Accepted" if found else "NoTariff", tariff_assignments=assignments or None)

    @on("ClearTariffs")
    def clear_tariffs(self, evse_id: int | None = None, **_kwargs: Any) -> Any:
        gone = [self.tariffs.pop(evse) for evse in list(self.tariffs) if evse_id in (None, evse)]
        results = [{"status": "Accepted", "tariffId": name} for name in gone]
        return result21.ClearTariffs(results or [{"status": "NoTariff"}])

    @on("ChangeTransactionTariff")
    def change_transaction_tariff(self, tariff: dict[str, Any], **_kwargs: Any) -> Any:
        show(f"this session: {price_text(tariff)}")
        return result21.ChangeTransactionTariff("Accepted")

    @on("UpdateFirmware")
    def update_firmware(self, request_id: int, firmware: dict[str, Any], **_kwargs: Any) -> Any:
        self.on_firmware(firmware["location"], request_id)
        return result21.UpdateFirmware("Accepted")

    @on("RequestStartTransaction")
    def request_start(self, id_token: dict[str, Any], remote_start_id: int, **_kwargs: Any) -> Any:
        accepted = self.on_start(id_token["id_token"], remote_start_id)
        return result21.RequestStartTransaction("Accepted" if accepted else "Rejected")

    @on("RequestStopTransaction")
    def request_stop(self, transaction_id: str) -> Any:
        return result21.RequestStopTransaction("Accepted" if self.on_stop() else "Rejected")


class Dialect21(Dialect201):
    """OCPP 2.1: the same sessions."""

    _messages = call21
    _point = _Point21


def _values(at: datetime, context: str, register_wh: int, power_w: int | None = None) -> list[dict[str, Any]]:
    samples: list[dict[str, Any]] = [
        {
            "value": register_wh,
            "context": context,
            "measurand": "Energy.Active.Import.Register",
            "unitOfMeasure": {"unit": "Wh"},
        }
    ]
    if power_w is not None:
        samples.append(
            {
                "value": power_w,
                "context": context,
                "measurand": "Power.Active.Import",
                "unitOfMeasure": {"unit": "W"},
            }
        )
    return [{"timestamp": stamp(at), "sampledValue": samples}]


DIALECTS: dict[str, Any] = {"1.6": Dialect16, "2.0.1": Dialect201, "2.1": Dialect21}
