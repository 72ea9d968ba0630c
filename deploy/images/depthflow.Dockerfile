# Image of everything that is not Flink: forwarders, gateway, dashboard, notifications, simulators, administration of topics.
# `make build STACK=compose` makes dist/*.whl before. The root file system may be read-only: only /tmp and
# /var/lib/depthflow are written.
ARG PYTHON=python:3.11.13-slim-bookworm

FROM ${PYTHON} AS packages
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
COPY deploy/images/uv.txt requirements.lock dist/*.whl /build/
RUN python -m pip install --no-cache-dir --require-hashes --requirement /build/uv.txt
# Every file is checked by its hash: the packages by the lock file, the wheel by its own.
RUN python -m venv --without-pip /opt/venv \
 && set -- /build/depthflow-*.whl \
 && echo "depthflow[dashboard,notify,serve] @ file://$1 --hash=sha256:$(sha256sum "$1" | cut -d' ' -f1)" > /build/wheel.txt \
 && uv pip install --no-cache --compile-bytecode --python /opt/venv/bin/python --require-hashes \
    --constraints /build/requirements.lock --requirement /build/wheel.txt

FROM ${PYTHON}
ENV DEPTHFLOW_HOME=/var/lib/depthflow \
    SPILL_DIR=/var/lib/depthflow/spill \
    PYTHONUNBUFFERED=1 \
    TZ=UTC \
    PATH=/opt/venv/bin:$PATH
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends curl tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 depthflow \
 && useradd --system --uid 10001 --gid depthflow --home-dir /var/lib/depthflow --no-create-home depthflow
COPY --from=packages /opt/venv /opt/venv
RUN depthflow --help > /dev/null \
 && install --directory --owner=10001 --group=10001 /var/lib/depthflow /var/lib/depthflow/spill
WORKDIR /var/lib/depthflow
USER 10001:10001
VOLUME /var/lib/depthflow
EXPOSE 2112 2120 8000 8002 8501
ENTRYPOINT ["/usr/bin/tini", "-g", "--", "depthflow"]
CMD ["forward"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "http://localhost:2112/health"]
