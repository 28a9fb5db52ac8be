"""A partner made of `extrawest-ocpi` from PyPI, an implementation of OCPI that is not ours.

Runs in an environment of its own (it wants an older pydantic). Settings come from the environment: OCPI_HOST,
PROTOCOL, COUNTRY_CODE and PARTY_ID are the library's; TOKEN_A invites us; OBJECTS names a file with the objects that
it has, by module. It writes what it received to stdout, one JSON a line.
"""

# Type hints of the library cannot be had here.
# mypy: ignore-errors

import json
import os
import sys
import uuid

import uvicorn
from py_ocpi.core.authentication.authenticator import Authenticator
from py_ocpi.core.crud import Crud
from py_ocpi.core.enums import ModuleID, RoleEnum
from py_ocpi.main import get_application
from py_ocpi.modules.versions.enums import VersionNumber

HOST = os.environ["OCPI_HOST"]
TOKENS_A, TOKENS_C = [os.environ["TOKEN_A"]], []
OBJECTS = {}
with open(os.environ["OBJECTS"]) as file:
    for name, items in json.load(file).items():
        OBJECTS[name] = {str(item.get("id") or item.get("uid")).lower(): item for item in items}


def said(what, **values):
    sys.stdout.write(json.dumps({"what": what, **values}, default=str) + "\n")
    sys.stdout.flush()


def credentials(token):
    name = {"name": "Extrawest"}
    party = {"country_code": os.environ["COUNTRY_CODE"], "party_id": os.environ["PARTY_ID"]}
    roles = [{"role": role, "business_details": name, **party} for role in ("CPO", "EMSP")]
    return {"token": token, "url": f"http://{HOST}/ocpi/versions", "roles": roles}


class Store(Crud):
    @classmethod
    async def get(cls, module, role, id, *args, **kwargs):
        if module == ModuleID.credentials_and_registration:
            return credentials(kwargs.get("auth_token") or id)
        return OBJECTS.get(module.value, {}).get(str(id).lower())

    @classmethod
    async def list(cls, module, role, filters, *args, **kwargs):
        rows = list(OBJECTS.get(module.value, {}).values())
        start, stop = filters["offset"], filters["offset"] + filters["limit"]
        return rows[start:stop], len(rows), stop >= len(rows)

    @classmethod
    async def create(cls, module, role, data, *args, **kwargs):
        if module == ModuleID.credentials_and_registration:
            TOKENS_A.clear()
            TOKENS_C[:] = [str(uuid.uuid4())]
            said("registered", token=data["credentials"]["token"], endpoints=data["endpoints"]["endpoints"])
            return credentials(TOKENS_C[0])
        return await cls.update(module, role, data, data.get("id") or data.get("uid"))

    @classmethod
    async def update(cls, module, role, data, id, *args, **kwargs):
        OBJECTS.setdefault(module.value, {})[str(id).lower()] = data
        said("received", module=module.value, id=str(id), data=data)
        return data

    @classmethod
    async def delete(cls, module, role, id, *args, **kwargs):
        if module == ModuleID.credentials_and_registration:
            TOKENS_C.clear()
            said("unregistered")

    @classmethod
    async def do(cls, module, role, action, *args, data=None, **kwargs):
        said("asked", module=module.value, action=str(action), data=data)
        if module == ModuleID.tokens:
            token = OBJECTS["tokens"][str(data["token_uid"]).lower()]
            return {"allowed": "ALLOWED", "token": token, "authorization_reference": "peer-1"}
        return {"result": "ACCEPTED", "timeout": 30}


class Tokens(Authenticator):
    @classmethod
    async def get_valid_token_a(cls):
        return TOKENS_A

    @classmethod
    async def get_valid_token_c(cls):
        return TOKENS_C


modules = [
    ModuleID.credentials_and_registration,
    ModuleID.locations,
    ModuleID.sessions,
    ModuleID.cdrs,
    ModuleID.tariffs,
    ModuleID.tokens,
]
app = get_application(
    [VersionNumber.v_2_2_1, VersionNumber.v_2_1_1],
    [RoleEnum(os.environ.get("ROLE", "CPO"))],
    Store,
    modules,
    Tokens,
    http_push=True,
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(HOST.split(":")[1]), log_level=sys.argv[1] if sys.argv[1:] else "error")
