"""The modules of each version, in both roles, as routers."""

# Annotations are evaluated when a function is made: the models of the versions are arguments of the builders. So no
# "from __future__ import annotations" here.

import json
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.responses import JSONResponse

from ..ocpi import v221, v230
from ..ocpi.internal import Party
from ..ocpi.transport import (
    CLIENT_ERROR,
    INVALID,
    UNKNOWN_LOCATION,
    UNKNOWN_TOKEN,
    OcpiError,
    Page,
)
from ..ocpi.versions import (
    SINCE_22,
    VERSIONS,
    Models,
    as_json,
    merge_patch,
    models_of,
    modules_of,
    read_credentials,
    write,
)
from .caller import MAX_PAGE, AuthenticatedCaller, Caller, OcpiRoute

_OWNED_BY_CPO = ("locations", "sessions", "cdrs", "tariffs")
_UNKNOWN = {"locations": UNKNOWN_LOCATION, "tokens": UNKNOWN_TOKEN}


def ocpi_routers() -> list[APIRouter]:
    """All routers of the application, in the order of its page."""
    return [_versions_router(), *(router for version in VERSIONS for router in _routers_of(version))]


def _router(prefix: str, tag: str) -> APIRouter:
    return APIRouter(prefix=prefix, tags=[tag], route_class=OcpiRoute)


def _body(request: Request) -> dict[str, Any]:
    """The message as it came; the framework has checked already that it is what it should be."""
    data = json.loads(request._body)
    if not isinstance(data, dict):
        raise OcpiError(INVALID, "The message is no object.")
    return data


def _paging(
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=2**31 - 1)] = 100,
    date_from: Annotated[v221.Instant | None, Query()] = None,
    date_to: Annotated[v221.Instant | None, Query()] = None,
) -> Page:
    for at in (date_from, date_to):
        if at and not 1971 <= at.year <= 9998:
            raise OcpiError(INVALID, "The date is out of range.")
    return Page(offset, min(limit, MAX_PAGE), date_from, date_to)


Paging = Annotated[Page, Depends(_paging)]


def _versions_router() -> APIRouter:
    router = _router("", "versions")

    @router.get("/versions", summary="Versions that we speak")
    def versions(caller: AuthenticatedCaller) -> JSONResponse:
        base = caller.connection._our_url()
        spoken = VERSIONS[: VERSIONS.index(caller.connection.newest_version) + 1]
        return caller.reply([{"version": version, "url": f"{base}/{version}"} for version in spoken])

    return router


def _routers_of(version: str) -> Iterator[APIRouter]:
    models = models_of(version)
    yield _registration_router(version, models)
    yield _cpo_router(version, models)
    yield _emsp_router(version, models)
    if version != "2.1.1":
        yield _hub_router(version)
    if version == "2.3.0":
        for role in ("cpo", "emsp"):
            yield _reconciliation_router(version, role)


# Registration


def _registration_router(version: str, models: Models) -> APIRouter:
    router = _router(f"/{version}", f"{version} registration")
    credentials_type = models.credentials

    @router.get("", summary="Modules of this version")
    def details(caller: AuthenticatedCaller) -> JSONResponse:
        return caller.reply({"version": version, "endpoints": list(_endpoints(caller, version))})

    @router.get("/credentials", summary="Our credentials")
    def get_credentials(caller: AuthenticatedCaller) -> JSONResponse:
        ours = caller.connection._our_credentials(caller.token)
        return caller.reply(write("credentials", version, ours))

    def change(caller: Caller, request: Request, *, known: bool) -> JSONResponse:
        theirs = read_credentials(version, _body(request))
        token = caller.connection._accept_credentials(version, theirs, known=known)
        return caller.reply(write("credentials", version, caller.connection._our_credentials(token)))

    @router.post("/credentials", summary="Register")
    def register(
        caller: AuthenticatedCaller, request: Request, body: Annotated[credentials_type, Body()]
    ) -> JSONResponse:
        return change(caller, request, known=False)

    @router.put("/credentials", summary="Change the credentials")
    def rotate(
        caller: AuthenticatedCaller, request: Request, body: Annotated[credentials_type, Body()]
    ) -> JSONResponse:
        return change(caller, request, known=True)

    @router.delete("/credentials", summary="End the registration")
    def unregister(caller: AuthenticatedCaller) -> JSONResponse:
        if caller.connection.token_kind != "credentials":
            raise OcpiError(CLIENT_ERROR, "Not registered.", 405)
        caller.connection._end()
        return caller.reply()

    return router


def _endpoints(caller: Caller, version: str) -> Iterator[dict[str, str]]:
    base = f"{caller.connection._our_url()}/{version}"

    def endpoint(module: str, url: str, role: str) -> dict[str, str]:
        named = {} if version == "2.1.1" else {"role": role}
        return {"identifier": module, **named, "url": url}

    yield endpoint("credentials", f"{base}/credentials", "RECEIVER")
    # 2.1.1 has one address for a module, so that it has one role only.
    roles = [role for role in ("CPO", "EMSP") if caller.connection._we_are(role)]
    for role in roles[:1] if version == "2.1.1" else roles:
        for module in modules_of(version):
            if module in SINCE_22:
                continue
            if module == "invoicereconciliation":
                interfaces = ["SENDER", "RECEIVER"]
            else:
                owner = module in _OWNED_BY_CPO
                if module == "commands":
                    interfaces = ["RECEIVER" if role == "CPO" else "SENDER"]
                else:
                    interfaces = ["SENDER" if owner == (role == "CPO") else "RECEIVER"]
            for interface in interfaces:
                yield endpoint(module, f"{base}/{role.lower()}/{module}", interface)
    if version != "2.1.1":
        yield endpoint("hubclientinfo", f"{base}/hubclientinfo", "RECEIVER")
    for module, path, interface in caller.connection._more_endpoints(version):
        yield endpoint(module, f"{base}/{path}", interface)


# We are the operator


def _cpo_router(version: str, models: Models) -> APIRouter:
    router = _router(f"/{version}/cpo", f"{version} operator")
    _sender_routes(router, ("locations", "sessions", "cdrs", "tariffs"))
    _token_receiver(router, models)
    _command_receiver(router, version, models)

    @router.get("/locations/{location_id}", summary="One location")
    def location(caller: AuthenticatedCaller, location_id: str) -> JSONResponse:
        return caller.reply(_location(caller, location_id))

    @router.get("/locations/{location_id}/{evse_uid}", summary="One EVSE")
    def evse(caller: AuthenticatedCaller, location_id: str, evse_uid: str) -> JSONResponse:
        return caller.reply(_part(_location(caller, location_id).get("evses"), "uid", evse_uid))

    @router.get("/locations/{location_id}/{evse_uid}/{connector_id}", summary="One connector")
    def connector(
        caller: AuthenticatedCaller, location_id: str, evse_uid: str, connector_id: str
    ) -> JSONResponse:
        evse = _part(_location(caller, location_id).get("evses"), "uid", evse_uid)
        return caller.reply(_part(evse.get("connectors"), "id", connector_id))

    return router


def _location(caller: Caller, location_id: str) -> dict[str, Any]:
    publisher = caller.env["emobility.ocpi.publisher"]
    found = publisher._one(caller.connection, "locations", location_id)
    rendered = publisher._render_all(caller.connection, "locations", found)
    if not rendered:
        raise OcpiError(UNKNOWN_LOCATION, "There is no such location.", 404)
    result: dict[str, Any] = rendered[0]
    return result


def _part(parts: Any, name: str, uid: str) -> dict[str, Any]:
    for part in parts or ():
        if isinstance(part, dict) and str(part.get(name, "")).upper() == uid.upper():
            return part
    raise OcpiError(UNKNOWN_LOCATION, "There is no such part of the location.", 404)


def _sender_routes(router: APIRouter, modules: tuple[str, ...]) -> None:
    for module in modules:
        router.add_api_route(
            f"/{module}", _lister(module), methods=["GET"], summary=f"Our {module}", response_model=None
        )


def _lister(module: str) -> Any:
    def objects(caller: AuthenticatedCaller, page: Paging) -> JSONResponse:
        return caller.page(module, page)

    objects.__name__ = f"list_{module}"
    return objects


# We are the provider


def _emsp_router(version: str, models: Models) -> APIRouter:
    router = _router(f"/{version}/emsp", f"{version} provider")
    _sender_routes(router, ("tokens",))
    _authorize_route(router, version)
    _location_receiver(router, models)
    _session_receiver(router, models)
    _cdr_receiver(router, models)
    _tariff_receiver(router, version, models)
    result_type = v221.CommandResult

    @router.post("/commands/{command}/{uid}", summary="What became of our command")
    def command_result(
        caller: AuthenticatedCaller, command: str, uid: str, body: Annotated[result_type, Body()]
    ) -> JSONResponse:
        found = caller.env["emobility.ocpi.command"].search(
            [("connection_id", "=", caller.connection.id), ("direction", "=", "out"), ("uid", "=", uid)]
        )
        if not found or found.kind != command:
            raise OcpiError(INVALID, "There is no such command.", 404)
        found.sudo()._partner_answered(body.result)
        return caller.reply()

    return router


def _authorize_route(router: APIRouter, version: str) -> None:
    @router.post("/tokens/{token_uid}/authorize", summary="May this token charge?")
    def authorize(
        caller: AuthenticatedCaller,
        token_uid: str,
        token_type: Annotated[str, Query(alias="type")] = "RFID",
        body: Annotated[v221.LocationReferences | None, Body()] = None,
    ) -> JSONResponse:
        answer = caller.env["emobility.ocpi.server"]._authorize(caller.connection, token_uid, token_type, body)
        return caller.reply(answer)


def _store(caller: Caller, module: str, data: dict[str, Any], party: Party) -> JSONResponse:
    """Take in an object that was pushed whole."""
    caller.env["emobility.ocpi.receiver"].sudo()._receive(caller.connection, module, [data], party)
    return caller.reply()


def _known(caller: Caller, module: str, party: Party, uid: str, kind: str | None = None) -> Any:
    """What the partner told us of an object of its own."""
    found = caller.env["emobility.ocpi.object"]._find(caller.connection, module, party, uid, kind)
    if not found:
        raise OcpiError(_UNKNOWN.get(module, INVALID), "There is no such object here.", 404)
    return found


def _check_id(named: str, data: dict[str, Any], field: str = "id") -> None:
    if str(data.get(field, "")).upper() != named.upper():
        raise OcpiError(INVALID, f"The {field} of the object is not the one in the address.")


def _check_patch(data: dict[str, Any]) -> None:
    if not data.get("last_updated"):
        raise OcpiError(INVALID, "A PATCH names last_updated.")


def _location_receiver(router: APIRouter, models: Models) -> None:
    location_type, evse_type, connector_type = models.location, models.evse, models.connector
    base = "/locations/{country_code}/{party_id}/{location_id}"

    @router.get(base, summary="A location of the partner")
    def get_location(
        caller: AuthenticatedCaller, country_code: str, party_id: str, location_id: str
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        return caller.reply(_known(caller, "locations", party, location_id).data)

    @router.put(base, summary="New or changed location")
    def put_location(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        location_id: str,
        body: Annotated[location_type, Body()],
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        data = _body(request)
        _check_id(location_id, data)
        return _store(caller, "locations", data, party)

    @router.patch(base, summary="Change of a location")
    def patch_location(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        location_id: str,
        body: Annotated[dict[str, Any], Body()],
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        data = _body(request)
        _check_patch(data)
        known = _known(caller, "locations", party, location_id).data
        return _store(caller, "locations", merge_patch(known, data), party)

    def change(
        caller: Caller, request: Request, party: Party, location_id: str, path: tuple[str, ...], *, patch: bool
    ) -> JSONResponse:
        """Put an EVSE or a connector into its location, which thereby is as new as that part."""
        data = _body(request)
        if patch:
            _check_patch(data)
        location = dict(_known(caller, "locations", party, location_id).data)
        location["evses"] = _with_part(location.get("evses"), "uid", path, data, patch=patch)
        location["last_updated"] = data["last_updated"]
        return _store(caller, "locations", location, party)

    @router.get(base + "/{evse_uid}", summary="An EVSE of the partner")
    def get_evse(
        caller: AuthenticatedCaller, country_code: str, party_id: str, location_id: str, evse_uid: str
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        known = _known(caller, "locations", party, location_id).data
        return caller.reply(_part(known.get("evses"), "uid", evse_uid))

    @router.put(base + "/{evse_uid}", summary="New or changed EVSE")
    def put_evse(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        location_id: str,
        evse_uid: str,
        body: Annotated[evse_type, Body()],
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        _check_id(evse_uid, _body(request), "uid")
        return change(caller, request, party, location_id, (evse_uid,), patch=False)

    @router.patch(base + "/{evse_uid}", summary="Change of an EVSE")
    def patch_evse(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        location_id: str,
        evse_uid: str,
        body: Annotated[dict[str, Any], Body()],
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        return change(caller, request, party, location_id, (evse_uid,), patch=True)

    @router.get(base + "/{evse_uid}/{connector_id}", summary="A connector of the partner")
    def get_connector(
        caller: AuthenticatedCaller,
        country_code: str,
        party_id: str,
        location_id: str,
        evse_uid: str,
        connector_id: str,
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        known = _known(caller, "locations", party, location_id).data
        evse = _part(known.get("evses"), "uid", evse_uid)
        return caller.reply(_part(evse.get("connectors"), "id", connector_id))

    @router.put(base + "/{evse_uid}/{connector_id}", summary="New or changed connector")
    def put_connector(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        location_id: str,
        evse_uid: str,
        connector_id: str,
        body: Annotated[connector_type, Body()],
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        _check_id(connector_id, _body(request))
        return change(caller, request, party, location_id, (evse_uid, connector_id), patch=False)

    @router.patch(base + "/{evse_uid}/{connector_id}", summary="Change of a connector")
    def patch_connector(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        location_id: str,
        evse_uid: str,
        connector_id: str,
        body: Annotated[dict[str, Any], Body()],
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        return change(caller, request, party, location_id, (evse_uid, connector_id), patch=True)


def _with_part(
    parts: Any, name: str, path: tuple[str, ...], data: dict[str, Any], *, patch: bool
) -> list[dict[str, Any]]:
    """The list of EVSEs or connectors after a change of one of them, or of a part of it."""
    result = [dict(part) for part in parts or ()]
    index = next(
        (number for number, part in enumerate(result) if str(part.get(name, "")).upper() == path[0].upper()), None
    )
    if index is None:
        if patch or len(path) > 1:
            raise OcpiError(UNKNOWN_LOCATION, "There is no such part of the location.", 404)
        return [*result, data]
    if len(path) > 1:
        result[index]["connectors"] = _with_part(
            result[index].get("connectors"), "id", path[1:], data, patch=patch
        )
        result[index]["last_updated"] = data["last_updated"]
    else:
        result[index] = merge_patch(result[index], data) if patch else data
    return result


def _session_receiver(router: APIRouter, models: Models) -> None:
    session_type = models.session
    base = "/sessions/{country_code}/{party_id}/{session_id}"

    @router.get(base, summary="A session of the partner")
    def get_session(
        caller: AuthenticatedCaller, country_code: str, party_id: str, session_id: str
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        return caller.reply(_known(caller, "sessions", party, session_id).data)

    @router.put(base, summary="New or changed session")
    def put_session(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        session_id: str,
        body: Annotated[session_type, Body()],
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        data = _body(request)
        _check_id(session_id, data)
        return _store(caller, "sessions", data, party)

    @router.patch(base, summary="Change of a session")
    def patch_session(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        session_id: str,
        body: Annotated[dict[str, Any], Body()],
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        data = _body(request)
        _check_patch(data)
        known = _known(caller, "sessions", party, session_id).data
        periods = data.get("charging_periods")
        if periods is not None and not isinstance(periods, list):
            raise OcpiError(INVALID, "charging_periods is no list.")
        # New periods are added to those that are known (chapter mod_sessions).
        return _store(caller, "sessions", merge_patch(known, data, append=("charging_periods",)), party)


def _cdr_receiver(router: APIRouter, models: Models) -> None:
    cdr_type = models.cdr

    @router.post("/cdrs", summary="New CDR")
    def post_cdr(caller: AuthenticatedCaller, request: Request, body: Annotated[cdr_type, Body()]) -> JSONResponse:
        data = _body(request)
        receiver = caller.env["emobility.ocpi.receiver"].sudo()
        receiver._receive(caller.connection, "cdrs", [data])
        party = caller.connection._first_party()
        if caller.version != "2.1.1":
            party = Party.of(data["country_code"], data["party_id"])
        path = f"{party.country_code}/{party.party_id}/{quote(str(data['id']), safe='')}"
        return caller.reply(headers={"Location": f"{caller.url}/{path}"})

    @router.get("/cdrs/{country_code}/{party_id}/{cdr_id}", summary="A CDR of the partner")
    def get_cdr(caller: AuthenticatedCaller, country_code: str, party_id: str, cdr_id: str) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        found = caller.env["emobility.roaming.cdr"]._received(caller.connection, party, cdr_id)
        if not found:
            raise OcpiError(INVALID, "There is no such CDR here.", 404)
        return caller.reply(found.data)


def _tariff_receiver(router: APIRouter, version: str, models: Models) -> None:
    tariff_type = models.tariff
    base = "/tariffs/{country_code}/{party_id}/{tariff_id}"

    @router.get(base, summary="A tariff of the partner")
    def get_tariff(
        caller: AuthenticatedCaller, country_code: str, party_id: str, tariff_id: str
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        return caller.reply(_known(caller, "tariffs", party, tariff_id).data)

    @router.put(base, summary="New or changed tariff")
    def put_tariff(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        tariff_id: str,
        body: Annotated[tariff_type, Body()],
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        data = _body(request)
        _check_id(tariff_id, data)
        return _store(caller, "tariffs", data, party)

    @router.delete(base, summary="The tariff is not used any more")
    def delete_tariff(
        caller: AuthenticatedCaller, country_code: str, party_id: str, tariff_id: str
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        _known(caller, "tariffs", party, tariff_id)
        caller.env["emobility.ocpi.server"].sudo()._end_tariff(caller.connection, party, tariff_id)
        return caller.reply()

    if version == "2.1.1":

        @router.patch(base, summary="Change of a tariff")
        def patch_tariff(
            caller: AuthenticatedCaller,
            request: Request,
            country_code: str,
            party_id: str,
            tariff_id: str,
            body: Annotated[dict[str, Any], Body()],
        ) -> JSONResponse:
            party = caller.check_party(country_code, party_id)
            data = _body(request)
            _check_patch(data)
            known = _known(caller, "tariffs", party, tariff_id).data
            return _store(caller, "tariffs", merge_patch(known, data), party)


# We are the operator, and receive


def _token_receiver(router: APIRouter, models: Models) -> None:
    token_model = models.token
    base = "/tokens/{country_code}/{party_id}/{token_uid}"

    @router.get(base, summary="A token of the partner")
    def get_token(
        caller: AuthenticatedCaller,
        country_code: str,
        party_id: str,
        token_uid: str,
        token_type: Annotated[str, Query(alias="type")] = "RFID",
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        return caller.reply(_known(caller, "tokens", party, token_uid, token_type).data)

    @router.put(base, summary="New or changed token")
    def put_token(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        token_uid: str,
        body: Annotated[token_model, Body()],
        token_type: Annotated[str, Query(alias="type")] = "RFID",
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        data = _body(request)
        _check_id(token_uid, data, "uid")
        return _store(caller, "tokens", data, party)

    @router.patch(base, summary="Change of a token")
    def patch_token(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        token_uid: str,
        body: Annotated[dict[str, Any], Body()],
        token_type: Annotated[str, Query(alias="type")] = "RFID",
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        data = _body(request)
        _check_patch(data)
        known = _known(caller, "tokens", party, token_uid, token_type).data
        return _store(caller, "tokens", merge_patch(known, data), party)


def _command_receiver(router: APIRouter, version: str, models: Models) -> None:
    for kind, command_type in models.commands.items():
        _command_route(router, kind, command_type)


def _command_route(router: APIRouter, kind: str, command_type: type[v221.Message]) -> None:
    @router.post(f"/commands/{kind}", summary=kind.replace("_", " ").capitalize(), name=f"command_{kind}")
    def command(caller: AuthenticatedCaller, body: Annotated[command_type, Body()]) -> JSONResponse:
        return caller.reply(caller.env["emobility.ocpi.server"].sudo()._command(caller.connection, kind, body))


# Parties of a hub, invoices


def _hub_router(version: str) -> APIRouter:
    router = _router(f"/{version}", f"{version} hub")
    base = "/hubclientinfo/{country_code}/{party_id}"

    @router.get(base, summary="What we know of a party behind the hub")
    def get_client(caller: AuthenticatedCaller, country_code: str, party_id: str) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        return caller.reply(as_json(caller.env["emobility.ocpi.server"].sudo()._client_info(caller.connection, party)))

    @router.put(base, summary="A party behind the hub")
    def put_client(
        caller: AuthenticatedCaller, country_code: str, party_id: str, body: Annotated[v221.ClientInfo, Body()]
    ) -> JSONResponse:
        if not caller.connection.is_hub:
            raise OcpiError(INVALID, "Only a hub tells of parties.")
        if Party.of(body.country_code, body.party_id) != Party.of(country_code, party_id):
            raise OcpiError(INVALID, "The party of the object is not the one in the address.")
        caller.connection._take_client_info(body)
        return caller.reply()

    return router


def _reconciliation_router(version: str, role: str) -> APIRouter:
    router = _router(f"/{version}/{role}", f"{version} invoice reconciliation")
    base = "/invoicereconciliation"

    @router.get(base, summary="Which CDRs our invoices are about")
    def list_records(caller: AuthenticatedCaller, page: Paging) -> JSONResponse:
        return caller.page("invoicereconciliation", page)

    @router.get(base + "/{country_code}/{party_id}/{uid}", summary="A record of the partner")
    def get_record(caller: AuthenticatedCaller, country_code: str, party_id: str, uid: str) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        return caller.reply(_known(caller, "invoicereconciliation", party, uid).data)

    def take(caller: Caller, request: Request, country_code: str, party_id: str) -> JSONResponse:
        return _store(caller, "invoicereconciliation", _body(request), caller.check_party(country_code, party_id))

    @router.post(base, summary="Which CDRs an invoice of the partner is about")
    def post_record(
        caller: AuthenticatedCaller, request: Request, body: Annotated[v230.InvoiceReconciliationRecord, Body()]
    ) -> JSONResponse:
        return take(caller, request, body.country_code, body.party_id)

    @router.put(base + "/{country_code}/{party_id}/{uid}", summary="Change of a record")
    def put_record(
        caller: AuthenticatedCaller,
        request: Request,
        country_code: str,
        party_id: str,
        uid: str,
        body: Annotated[v230.InvoiceReconciliationRecord, Body()],
    ) -> JSONResponse:
        _check_id(uid, _body(request))
        return take(caller, request, country_code, party_id)

    @router.delete(base + "/{country_code}/{party_id}/{uid}", summary="The record was an error")
    def delete_record(caller: AuthenticatedCaller, country_code: str, party_id: str, uid: str) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        found = _known(caller, "invoicereconciliation", party, uid)
        caller.env["emobility.ocpi.server"].sudo()._forget_reconciliation(found.sudo())
        return caller.reply()

    return router
