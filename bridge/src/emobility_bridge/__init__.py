"""OCPP sidecar of the E-Mobility addons: a durable ledger between charging stations and Odoo."""
