"""Resolves the URLs of a report from the ORM and from disk, and nothing else."""

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from mimetypes import guess_type
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from weasyprint.urls import URLFetcher, URLFetcherResponse
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, RequestRedirect, Rule

from odoo.api import SUPERUSER_ID, Environment
from odoo.models import BaseModel
from odoo.tools.image import image_process
from odoo.tools.mimetypes import guess_mimetype
from odoo.tools.misc import file_open

_logger = logging.getLogger(__name__)

# Reports put these on an internal URL only to defeat browser caches or to name a download.
_IGNORED_IMAGE_ARGUMENTS = frozenset(
    {"unique", "filename", "filename_field", "mimetype", "download", "nocache"}
)

_FONT_SUFFIXES = (".woff2", ".woff", ".ttf", ".otf", ".eot")


@dataclass(frozen=True)
class Resource:
    """The bytes behind a URL and their MIME type."""

    content: bytes
    mimetype: str


class BlockedUrlError(ValueError):
    """The report asks for something that is neither in the database nor in an addon."""


def _content_rules(prefix: str, endpoint: str) -> list[Rule]:
    """Rules for one of the two binary routes of the web client (``/web/image``, ``/web/content``)."""
    identities = (
        "",
        "/<int:id>-<string:unique>",
        "/<int:id>",
        "/<string:model>/<int:id>/<string:field>",
        "/<string:xmlid>",
    )
    tails = (
        "",
        "/<int:width>x<int:height>",
        "/<string:filename>",
        "/<int:width>x<int:height>/<string:filename>",
    )
    return [Rule(prefix + identity + tail, endpoint=endpoint) for identity in identities for tail in tails]


_ROUTES = Map(
    [
        Rule("/web/assets/<string:unique>/<string:filename>", endpoint="asset"),
        *_content_rules("/web/image", "binary"),
        *_content_rules("/web/content", "binary"),
        Rule("/logo", endpoint="logo"),
        Rule("/logo.png", endpoint="logo"),
        Rule("/web/binary/company_logo", endpoint="logo"),
        Rule("/report/barcode", endpoint="barcode", strict_slashes=False),
        Rule("/report/barcode/<string:barcode_type>/<path:value>", endpoint="barcode"),
        Rule("/<string:module>/static/<path:path>", endpoint="static"),
    ]
)


class ReportUrlFetcher(URLFetcher):
    """URL fetcher for WeasyPrint that never opens a connection or a file outside the addons.

    Records are read with the rights of the user who prints. A URL with a host other than ``base_url`` is
    refused.
    """

    def __init__(self, env: Environment, base_url: str) -> None:
        super().__init__(allowed_protocols=("data",), allow_redirects=False)
        self._env = env
        self._base = urlsplit(base_url)
        self._handlers: dict[str, Callable[..., Resource]] = {
            "asset": self._asset,
            "binary": self._binary,
            "logo": self._logo,
            "barcode": self._barcode,
            "static": self._static,
        }

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Return the resource behind ``url``.

        :raises BlockedUrlError: when the URL is not served from this database or an addon
        """
        if url.lower().startswith("data:"):
            return super().fetch(url, headers)
        resource = self.resource(url)
        return URLFetcherResponse(url, resource.content, {"Content-Type": resource.mimetype})

    def resource(self, url: str) -> Resource:
        """Read an internal URL (absolute on the base URL, or only a path)."""
        parts = urlsplit(url)
        is_ours = parts.scheme in ("", "http", "https") and parts.netloc in ("", self._base.netloc)
        if not is_ours:
            # The web client's own bundles name hosted fonts; installed fonts stand in for them.
            level = logging.DEBUG if parts.path.endswith(_FONT_SUFFIXES) else logging.WARNING
            _logger.log(
                level, "A report asked for %s: reports read nothing from outside, it was left out.", url
            )
            raise BlockedUrlError(f"Reports read nothing from outside: {url}")
        try:
            endpoint, arguments = _ROUTES.bind(self._base.netloc or "report").match(parts.path)
        except (NotFound, RequestRedirect) as error:
            _logger.warning("A report asked for %s: reports cannot read this path, it was left out.", url)
            raise BlockedUrlError(f"Reports cannot read this path: {url}") from error
        return self._handlers[endpoint](**{**dict(parse_qsl(parts.query)), **arguments})

    def _static(self, module: str, path: str, **_query: str) -> Resource:
        if ".." in path.split("/"):
            _logger.warning(
                "A report asked for %s: reports cannot leave the static folder, it was left out.", path
            )
            raise BlockedUrlError(f"Reports cannot leave the static folder: {path}")
        with file_open(f"{module}/static/{path}", "rb") as file:
            return Resource(file.read(), guess_type(path)[0] or "application/octet-stream")

    def _asset(self, unique: str, filename: str, **_query: str) -> Resource:
        """A compiled bundle: the stored one when its version is there, else compiled now."""
        url = self._env["ir.asset"]._get_asset_bundle_url(filename, unique, {})
        attachment = (
            self._env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("public", "=", True),
                    ("url", "=", url),
                    ("res_model", "=", "ir.ui.view"),
                    ("res_id", "=", 0),
                    ("create_uid", "=", SUPERUSER_ID),
                ],
                limit=1,
            )
        )
        if not attachment:
            name, rtl, asset_type, autoprefix = self._env["ir.asset"]._parse_bundle_name(filename, False)
            if asset_type != "css":
                raise BlockedUrlError(f"Reports run no scripts: {filename}")
            bundle = self._env["ir.qweb"]._get_asset_bundle(
                name, css=True, js=False, rtl=rtl, autoprefix=autoprefix
            )
            attachment = bundle.css().sudo()
        return Resource(attachment.raw, "text/css")

    def _binary(
        self,
        xmlid: str | None = None,
        model: str = "ir.attachment",
        id: int | str | None = None,  # noqa: A002 - the name of the URL argument
        field: str = "raw",
        width: int | str = 0,
        height: int | str = 0,
        crop: str | bool = False,
        access_token: str | None = None,
        **ignored: Any,
    ) -> Resource:
        if unknown := set(ignored) - _IGNORED_IMAGE_ARGUMENTS:
            _logger.info("Arguments without effect in a report: %s", ", ".join(sorted(unknown)))
        record = self._env["ir.binary"]._find_record(xmlid, model, id and int(id), access_token, field=field)
        if record._name == "ir.attachment" and record.type == "url":
            return self.resource(record.url)
        resource = self._field_content(record, field)
        if int(width) or int(height):
            content = image_process(resource.content, size=(int(width), int(height)), crop=crop)
            return Resource(content, resource.mimetype)
        return resource

    def _logo(self, company: str | None = None, **_query: str) -> Resource:
        record = self._env["res.company"].browse(int(company)) if company else self._env.company
        return self._field_content(record.sudo(), "logo")

    def _field_content(self, record: BaseModel, name: str) -> Resource:
        """Content of a binary field. Not through ``ir.binary`` streams: those need an HTTP request, queue
        jobs have none.
        """
        value = record[name]
        if not value:
            raise FileNotFoundError(f"{record._name}({record.id}).{name} is empty.")
        content = value if record._name == "ir.attachment" and name == "raw" else base64.b64decode(value)
        return Resource(content, guess_mimetype(content))

    def _barcode(self, barcode_type: str, value: str, **options: str) -> Resource:
        return Resource(self._env["ir.actions.report"].barcode(barcode_type, value, **options), "image/png")
