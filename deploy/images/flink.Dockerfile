# Image of the jobs: Flink (JobManager, TaskManagers, ZooKeeper, submission) with Python, the wheel and the connectors.
# `make build STACK=compose` makes dist/*.whl and dist/jars before. linux/amd64 only: apache-flink has no Linux wheels
# for arm64. The root file system may be read-only: only /tmp and the volumes /state and
# /zookeeper are written.
ARG PYTHON=python:3.11.13-slim-bookworm
ARG FLINK=2.2.1

FROM flink:${FLINK}-scala_2.12-java17 AS flink

FROM ${PYTHON} AS packages
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# A compiler, for packages of the lock file that have no wheel. It stays in this stage.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
COPY deploy/images/uv.txt requirements.lock dist/*.whl /build/
RUN python -m pip install --no-cache-dir --require-hashes --requirement /build/uv.txt
# Every file is checked by its hash: the packages by the lock file, the wheel by its own.
RUN python -m venv --without-pip /opt/venv \
 && set -- /build/depthflow-*.whl \
 && echo "depthflow[flink] @ file://$1 --hash=sha256:$(sha256sum "$1" | cut -d' ' -f1)" > /build/wheel.txt \
 && uv pip install --no-cache --compile-bytecode --python /opt/venv/bin/python --require-hashes \
    --constraints /build/requirements.lock --requirement /build/wheel.txt

FROM ${PYTHON}
ARG FLINK
ARG ENABLE_BUILT_IN_PLUGINS=flink-s3-fs-presto-2.2.1.jar
ENV FLINK_HOME=/opt/flink \
    FLINK_LOG_DIR=/tmp/log \
    JAVA_HOME=/opt/java/openjdk \
    DISABLE_JEMALLOC=true \
    TZ=UTC \
    PATH=/opt/venv/bin:/opt/flink/bin:/opt/java/openjdk/bin:$PATH
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends curl tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 9999 flink \
 && useradd --system --uid 9999 --gid flink --home-dir /opt/flink --no-create-home flink \
 && install --directory --owner=9999 --group=9999 /state /state/jobs /state/ha /zookeeper
COPY --from=flink /opt/java/openjdk /opt/java/openjdk
COPY --from=flink /docker-entrypoint.sh /docker-entrypoint.sh
COPY --from=flink /opt/flink /opt/flink
COPY --from=packages /opt/venv /opt/venv
COPY deploy/images/jars.sha256 dist/jars/*.jar /opt/flink/lib/
WORKDIR /opt/flink/lib
# Thread mode needs flink-python in lib/. Plugins are linked here, since Flink's entry point would link them at start.
RUN sha256sum --check --strict jars.sha256 \
 && ln -s /opt/flink/opt/flink-python-${FLINK}.jar flink-python-${FLINK}.jar \
 && test -e /opt/flink/opt/${ENABLE_BUILT_IN_PLUGINS} \
 && mkdir /opt/flink/plugins/${ENABLE_BUILT_IN_PLUGINS%.jar} \
 && ln -s /opt/flink/opt/${ENABLE_BUILT_IN_PLUGINS} /opt/flink/plugins/${ENABLE_BUILT_IN_PLUGINS%.jar}/
# The check loads the shared libpython, without which thread mode does not start, and every module of a job.
RUN python -m stack.services.flink_image configure /opt/flink \
 && python -m stack.services.flink_image check
WORKDIR /tmp
USER 9999:9999
EXPOSE 6123 6124 8081 9250
ENTRYPOINT ["/usr/bin/tini", "-g", "--", "/docker-entrypoint.sh"]
CMD ["jobmanager"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "http://localhost:8081/overview"]
