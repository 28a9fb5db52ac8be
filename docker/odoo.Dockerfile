# Odoo 19 with our addons. Odoo comes from Debian's package, the rest from the lock file.
FROM debian:trixie-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates curl debian-archive-keyring fontconfig fonts-dejavu-core libharfbuzz-subset0 \
        libpango-1.0-0 libpangoft2-1.0-0 python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/emobility
COPY run ./
COPY runner ./runner
COPY requirements ./requirements
RUN ./run setup
COPY odoo.conf ./
COPY addons ./addons
COPY --chmod=0755 docker/odoo-entrypoint.sh /usr/local/bin/odoo-entrypoint
RUN useradd --system --home-dir /var/lib/odoo --create-home odoo

USER odoo
VOLUME /var/lib/odoo
EXPOSE 8069 8072
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
    CMD curl --fail --silent http://127.0.0.1:8069/web/health || exit 1
ENTRYPOINT ["odoo-entrypoint"]
