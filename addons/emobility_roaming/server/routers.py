"""The modules of each version, in both roles, as routers."""

# Annotations are evaluated when a function is made: the models of the versions are arguments of the builders. So no
# "from __future__ import annotations" here.

import json
from collections.abc import Callable, Iterator
from datetime import datetime
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
    page_headers,
)
from ..ocpi.versions import (
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


async def _body(request: Request) -> dict[str, Any]:
    """The message as it came; the framework checks as well that it is what it should be."""
    try:
        data = json.loads(await request.body())
    except ValueError as error:
        raise OcpiError(INVALID, "The message is no JSON.") from error
    if not isinstance(data, dict):
        raise OcpiError(INVALID, "The message is no object.")
    return data


Data = Annotated[dict[str, Any], Depends(_body)]
Patch = Annotated[dict[str, Any], Body()]
"""For the page of the interface; what counts is the message as it came."""


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

    def change(caller: Caller, data: dict[str, Any], *, known: bool) -> JSONResponse:
        theirs = read_credentials(version, data)
        token = caller.connection._accept_credentials(version, theirs, known=known)
        return caller.reply(write("credentials", version, caller.connection._our_credentials(token)))

    @router.post("/credentials", summary="Register")
    def register(
        caller: AuthenticatedCaller, data: Data, body: Annotated[credentials_type, Body()]
    ) -> JSONResponse:
        return change(caller, data, known=False)

    @router.put("/credentials", summary="Change the credentials")
    def rotate(
        caller: AuthenticatedCaller, data: Data, body: Annotated[credentials_type, Body()]
    ) -> JSONResponse:
        return change(caller, data, known=True)

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
        return {"identifier": module, **named, "url": f"{url}/" if caller.connection.trailing_slash else url}

    yield endpoint("credentials", f"{base}/credentials", "RECEIVER")
    # 2.1.1 has one address for a module, so that it has one role only.
    roles = [role for role in ("CPO", "EMSP") if caller.connection._we_are(role)]
    for role in roles[:1] if version == "2.1.1" else roles:
        for module in modules_of(version):
            for interface in _interfaces(module, role):
                yield endpoint(module, f"{base}/{role.lower()}/{module}", interface)
    if version != "2.1.1":
        for interface in ("SENDER", "RECEIVER"):
            yield endpoint("hubclientinfo", f"{base}/hubclientinfo", interface)
    for module, path, interface in caller.connection._more_endpoints(version):
        yield endpoint(module, f"{base}/{path}", interface)


def _interfaces(module: str, role: str) -> tuple[str, ...]:
    """What we are in a module in this role of ours: who has the objects sends them, who asks for something too."""
    if module == "hubclientinfo":
        return ()
    if module == "invoicereconciliation":
        return ("SENDER", "RECEIVER")
    sends = "CPO" if module in _OWNED_BY_CPO else "EMSP"
    return ("SENDER",) if sends == role else ("RECEIVER",)


# We are the operator


def _cpo_router(version: str, models: Models) -> APIRouter:
    router = _router(f"/{version}/cpo", f"{version} operator")
    _sender_routes(router, ("locations", "sessions", "cdrs", "tariffs"))
    _object_routes(router, "tokens", models.token, "uid", ("GET", "PUT", "PATCH"))
    for kind, command_type in models.commands.items():
        _command_route(router, kind, command_type)
    if version != "2.1.1":
        _profile_receiver(router)

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
    for connection in caller.connections:
        found = publisher._one(connection, "locations", location_id)
        rendered = publisher._render_all(connection, "locations", found)
        if rendered:
            result: dict[str, Any] = rendered[0]
            return result
    raise OcpiError(UNKNOWN_LOCATION, "There is no such location.", 404)


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
    _object_routes(router, "locations", models.location, "id", ("GET", "PUT", "PATCH"))
    _part_routes(router, models)
    # New periods are added to those that are known (chapter mod_sessions).
    append = ("charging_periods",)
    _object_routes(router, "sessions", models.session, "id", ("GET", "PUT", "PATCH"), append=append)
    _cdr_receiver(router, models)
    patch = ("PATCH",) if version == "2.1.1" else ()
    _object_routes(router, "tariffs", models.tariff, "id", ("GET", "PUT", "DELETE", *patch))
    _result_route(router, "commands", v221.CommandResult)
    if version != "2.1.1":
        _result_route(router, "chargingprofiles", v221.ChargingProfileResult)
        _active_profile_route(router)
    return router


def _result_route(router: APIRouter, module: str, result_type: type[v221.Message]) -> None:
    @router.post(f"/{module}/{{kind}}/{{uid}}", summary="What became of what we asked for", name=f"{module}_result")
    def command_result(
        caller: AuthenticatedCaller, kind: str, uid: str, body: Annotated[result_type, Body()]
    ) -> JSONResponse:
        found = caller.env["emobility.ocpi.command"].search(
            [("connection_id", "in", caller.connections.ids), ("direction", "=", "out"), ("uid", "=", uid)]
        )
        if not found or found.kind != kind:
            raise OcpiError(INVALID, "There is no such command.", 404)
        profile = getattr(body, "profile", None)
        found.sudo()._partner_answered(body.result, as_json(profile) if profile else None)
        return caller.reply()


def _authorize_route(router: APIRouter, version: str) -> None:
    @router.post("/tokens/{token_uid}/authorize", summary="May this token charge?")
    def authorize(
        caller: AuthenticatedCaller,
        token_uid: str,
        token_type: Annotated[str, Query(alias="type")] = "RFID",
        body: Annotated[v221.LocationReferences | None, Body()] = None,
    ) -> JSONResponse:
        answer = caller.env["emobility.ocpi.server"]._authorize(caller.connections, token_uid, token_type, body)
        return caller.reply(answer)


def _store(caller: Caller, module: str, data: dict[str, Any], party: Party) -> JSONResponse:
    """Take in an object that was pushed whole."""
    for connection in caller.receivers(module, data):
        caller.env["emobility.ocpi.receiver"].sudo()._receive(connection, module, [data], party)
    return caller.reply()


def _known(caller: Caller, module: str, party: Party, uid: str, kind: str | None = None) -> Any:
    """What the partner told us of an object of its own."""
    for connection in caller.connections:
        found = caller.env["emobility.ocpi.object"]._find(connection, module, party, uid, kind)
        if found:
            return found
    raise OcpiError(_UNKNOWN.get(module, INVALID), "There is no such object here.", 404)


def _check_id(named: str, data: dict[str, Any], field: str = "id") -> None:
    if str(data.get(field, "")).upper() != named.upper():
        raise OcpiError(INVALID, f"The {field} of the object is not the one in the address.")


def _check_patch(data: dict[str, Any]) -> None:
    if not data.get("last_updated"):
        raise OcpiError(INVALID, "A PATCH names last_updated.")


async def _token_type(token_type: Annotated[str, Query(alias="type")] = "RFID") -> str | None:
    return token_type


async def _no_type() -> str | None:
    return None


def _object_routes(
    router: APIRouter,
    module: str,
    model: type[v221.Message],
    id_field: str,
    methods: tuple[str, ...],
    *,
    append: tuple[str, ...] = (),
) -> None:
    """The interface of a receiver for objects of a partner: all modules have the same.

    :param append: lists that a PATCH makes longer, where it replaces all other fields
    """
    path, noun = f"/{module}/{{country_code}}/{{party_id}}/{{uid}}", module.rstrip("s")
    kind_type = Annotated[str | None, Depends(_token_type if module == "tokens" else _no_type)]

    def get_one(
        caller: AuthenticatedCaller, country_code: str, party_id: str, uid: str, kind: kind_type
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        return caller.reply(_known(caller, module, party, uid, kind).data)

    def put_one(
        caller: AuthenticatedCaller, country_code: str, party_id: str, uid: str, data: Data,
        body: Annotated[model, Body()], kind: kind_type,
    ) -> JSONResponse:  # fmt: skip
        party = caller.check_party(country_code, party_id)
        _check_id(uid, data, id_field)
        return _store(caller, module, data, party)

    def patch_one(
        caller: AuthenticatedCaller, country_code: str, party_id: str, uid: str, data: Data, body: Patch,
        kind: kind_type,
    ) -> JSONResponse:  # fmt: skip
        party = caller.check_party(country_code, party_id)
        _check_patch(data)
        for name in append:
            if not isinstance(data.get(name) or [], list):
                raise OcpiError(INVALID, f"{name} is no list.")
        known = _known(caller, module, party, uid, kind).data
        return _store(caller, module, merge_patch(known, data, append=append), party)

    def delete_one(caller: AuthenticatedCaller, country_code: str, party_id: str, uid: str) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        _known(caller, module, party, uid)
        for connection in caller.connections:
            caller.env["emobility.ocpi.server"].sudo()._delete(connection, module, party, uid)
        return caller.reply()

    routes: dict[str, tuple[Callable[..., JSONResponse], str]] = {
        "GET": (get_one, f"What the partner told us: one of {module}"),
        "PUT": (put_one, f"New or changed: one of {module}"),
        "PATCH": (patch_one, f"Change: one of {module}"),
        "DELETE": (delete_one, f"Not there any more: one of {module}"),
    }
    for method in methods:
        endpoint, summary = routes[method]
        router.add_api_route(
            path, endpoint, methods=[method], summary=summary, name=f"{method.lower()}_{noun}", response_model=None
        )


async def _evse_path(evse_uid: str) -> tuple[str, ...]:
    return (evse_uid,)


async def _connector_path(evse_uid: str, connector_id: str) -> tuple[str, ...]:
    return evse_uid, connector_id


def _part_routes(router: APIRouter, models: Models) -> None:
    """EVSEs and connectors of a location; a change of one makes its location as new as it is."""
    base = "/locations/{country_code}/{party_id}/{location_id}"
    _routes_of_part(router, "EVSE", base + "/{evse_uid}", models.evse, "uid", _evse_path)
    connectors = base + "/{evse_uid}/{connector_id}"
    _routes_of_part(router, "connector", connectors, models.connector, "id", _connector_path)


def _routes_of_part(
    router: APIRouter, noun: str, path: str, model: type[v221.Message], id_field: str, parts: Callable[..., Any]
) -> None:
    steps_type = Annotated[tuple[str, ...], Depends(parts)]

    def change(
        caller: Caller, location: tuple[str, str, str], steps: tuple[str, ...], data: dict[str, Any], *, patch: bool
    ) -> JSONResponse:
        country_code, party_id, location_id = location
        party = caller.check_party(country_code, party_id)
        if patch:
            _check_patch(data)
        else:
            _check_id(steps[-1], data, id_field)
        whole = dict(_known(caller, "locations", party, location_id).data)
        whole["evses"] = _with_part(whole.get("evses"), "uid", steps, data, patch=patch)
        whole["last_updated"] = data["last_updated"]
        return _store(caller, "locations", whole, party)

    @router.get(path, summary=f"What the partner told us of the {noun}", name=f"get_{noun}")
    def get_part(
        caller: AuthenticatedCaller, country_code: str, party_id: str, location_id: str, steps: steps_type
    ) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        part = _part(_known(caller, "locations", party, location_id).data.get("evses"), "uid", steps[0])
        for connector_id in steps[1:]:
            part = _part(part.get("connectors"), "id", connector_id)
        return caller.reply(part)

    @router.put(path, summary=f"New or changed {noun}", name=f"put_{noun}")
    def put_part(
        caller: AuthenticatedCaller, country_code: str, party_id: str, location_id: str, steps: steps_type, data: Data,
        body: Annotated[model, Body()],
    ) -> JSONResponse:  # fmt: skip
        return change(caller, (country_code, party_id, location_id), steps, data, patch=False)

    @router.patch(path, summary=f"Change of the {noun}", name=f"patch_{noun}")
    def patch_part(
        caller: AuthenticatedCaller, country_code: str, party_id: str, location_id: str, steps: steps_type, data: Data,
        body: Patch,
    ) -> JSONResponse:  # fmt: skip
        return change(caller, (country_code, party_id, location_id), steps, data, patch=True)


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


def _cdr_receiver(router: APIRouter, models: Models) -> None:
    cdr_type = models.cdr

    @router.post("/cdrs", summary="New CDR")
    def post_cdr(caller: AuthenticatedCaller, data: Data, body: Annotated[cdr_type, Body()]) -> JSONResponse:
        for connection in caller.receivers("cdrs", data):
            caller.env["emobility.ocpi.receiver"].sudo()._receive(connection, "cdrs", [data])
        party = caller.connection._first_party()
        if caller.version != "2.1.1":
            party = Party.of(data["country_code"], data["party_id"])
        path = f"{party.country_code}/{party.party_id}/{quote(str(data['id']), safe='')}"
        return caller.reply(headers={"Location": f"{caller.url}/{path}"})

    @router.get("/cdrs/{country_code}/{party_id}/{cdr_id}", summary="A CDR of the partner")
    def get_cdr(caller: AuthenticatedCaller, country_code: str, party_id: str, cdr_id: str) -> JSONResponse:
        party = caller.check_party(country_code, party_id)
        for connection in caller.connections:
            found = caller.env["emobility.roaming.cdr"]._received(connection, party, cdr_id)
            if found:
                return caller.reply(found.data)
        raise OcpiError(INVALID, "There is no such CDR here.", 404)


# We are the operator, and are asked to do something


def _command_route(router: APIRouter, kind: str, command_type: type[v221.Message]) -> None:
    @router.post(f"/commands/{kind}", summary=kind.replace("_", " ").capitalize(), name=f"command_{kind}")
    def command(caller: AuthenticatedCaller, body: Annotated[command_type, Body()]) -> JSONResponse:
        server = caller.env["emobility.ocpi.server"].sudo()
        return caller.reply(server._command(server._meant(caller.connections, body), kind, body))


ResponseUrl = Annotated[str, Query(max_length=2000)]


def _profile_receiver(router: APIRouter) -> None:
    """Chapter mod_charging_profiles, interface of the receiver: of sessions at our stations."""
    path = "/chargingprofiles/{session_id}"

    def ask(caller: Caller, kind: str, session_id: str, response_url: str, **values: Any) -> JSONResponse:
        server = caller.env["emobility.ocpi.server"].sudo()
        connection = server._with_session(caller.connections, session_id)
        return caller.reply(server._charging_profile(connection, kind, session_id, response_url, **values))

    @router.get(path, summary="Which limits are planned for a session?")
    def get_profile(
        caller: AuthenticatedCaller, session_id: str, response_url: ResponseUrl,
        duration: Annotated[int, Query(ge=1, le=2**31 - 1)],
    ) -> JSONResponse:  # fmt: skip
        return ask(caller, "GET_PROFILE", session_id, response_url, seconds=duration)

    @router.put(path, summary="Limit the power of a session")
    def put_profile(
        caller: AuthenticatedCaller, session_id: str, body: Annotated[v221.SetChargingProfile, Body()]
    ) -> JSONResponse:
        return ask(caller, "SET_PROFILE", session_id, body.response_url, profile=body.charging_profile)

    @router.delete(path, summary="End the limit of a session")
    def delete_profile(caller: AuthenticatedCaller, session_id: str, response_url: ResponseUrl) -> JSONResponse:
        return ask(caller, "CLEAR_PROFILE", session_id, response_url)


def _active_profile_route(router: APIRouter) -> None:
    @router.put("/chargingprofiles/{session_id}", summary="Which limits a session of our driver has")
    def put_active_profile(
        caller: AuthenticatedCaller, session_id: str, body: Annotated[v221.ActiveChargingProfile, Body()]
    ) -> JSONResponse:
        caller.env["emobility.ocpi.server"].sudo()._active_profile(caller.connections, session_id, body)
        return caller.reply()


# Parties of a hub, invoices


def _hub_router(version: str) -> APIRouter:
    router = _router(f"/{version}", f"{version} hub")
    base = "/hubclientinfo/{country_code}/{party_id}"

    @router.get("/hubclientinfo", summary="Our parties behind this connection")
    def list_clients(caller: AuthenticatedCaller, page: Paging) -> JSONResponse:
        infos = [info for info in caller.connections._our_client_infos() if _is_within(info.last_updated, page)]
        rows = [as_json(info) for info in infos[page.offset : page.offset + page.limit]]
        return caller.reply(rows, headers=page_headers(caller.url, page, len(infos), len(rows), MAX_PAGE))

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
        for connection in caller.connections:
            connection._take_client_info(body)
        return caller.reply()

    return router


def _is_within(at: datetime, page: Page) -> bool:
    return (not page.date_from or page.date_from <= at) and (not page.date_to or at < page.date_to)


def _reconciliation_router(version: str, role: str) -> APIRouter:
    router = _router(f"/{version}/{role}", f"{version} invoice reconciliation")
    module, record_type = "invoicereconciliation", v230.InvoiceReconciliationRecord
    _sender_routes(router, (module,))
    _object_routes(router, module, record_type, "id", ("GET", "PUT", "DELETE"))

    @router.post(f"/{module}", summary="Which CDRs an invoice of the partner is about")
    def post_record(caller: AuthenticatedCaller, data: Data, body: Annotated[record_type, Body()]) -> JSONResponse:
        return _store(caller, module, data, caller.check_party(body.country_code, body.party_id))

    return router
