# The OCPP sidecar: a plain Python package, without Odoo.
FROM python:3.13-slim

COPY requirements/requirements.lock /tmp/requirements.lock
COPY bridge /opt/bridge
# Only the bridge's own dependencies, at the versions of the lock (the lock's hashes belong to all of it).
RUN sed -e '/^ *--hash/d' -e '/^ *#/d' -e 's/ *\\$//' /tmp/requirements.lock > /tmp/constraints.txt \
    && pip install --no-cache-dir --constraint /tmp/constraints.txt /opt/bridge \
    && useradd --system bridge
COPY --chmod=0755 docker/bridge-entrypoint.sh /usr/local/bin/bridge-entrypoint
USER bridge
EXPOSE 9000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9000/healthz', timeout=4)"
ENTRYPOINT ["bridge-entrypoint"]
