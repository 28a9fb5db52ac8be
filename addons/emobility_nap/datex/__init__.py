"""DATEX II v3.5 for charging (CEN/TS 16157-10): dataclasses in, XML out. Imports nothing from odoo."""

from .shapes import Connector, Hours, Point, Price, Publication, Rate, Site, State, Station
from .write import status_publication, table_publication
