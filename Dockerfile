# The product in one image: `hotline run`, or one service of it (`run ingest`). How it is built and run stands in
# docs/operations.md, "Install with Docker". Tests read this file (tests/deploy/test_image.py); none builds it.
# Pin the base to the digest that you have checked: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src
RUN python -m venv /opt/hotline
COPY requirements.lock tools/runtime_lock.py ./
# Every package by its hash, and only those that the product needs when it runs.
RUN python runtime_lock.py --build-tools requirements.lock > build-tools.lock \
    && python runtime_lock.py requirements.lock > runtime.lock \
    && /opt/hotline/bin/pip install --require-hashes --no-deps -r build-tools.lock \
    && /opt/hotline/bin/pip install --require-hashes --no-deps --no-build-isolation -r runtime.lock
COPY pyproject.toml requirements.in README.md LICENSE ./
COPY hotline hotline
COPY services services
RUN /opt/hotline/bin/pip install --no-deps --no-build-isolation . \
    && /opt/hotline/bin/pip check \
    && /opt/hotline/bin/pip uninstall --yes pip setuptools wheel
# The model belongs to the release: trained here, it is the same in every container and nobody waits for it.
# What hotline writes is for its owner alone; this is for whoever runs it.
RUN MODELS_DIR=/opt/hotline/models /opt/hotline/bin/hotline train \
    && chmod -R a+rX /opt/hotline/models

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="hotline" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin hotline \
    && install -d -o hotline -g hotline -m 0700 /data
COPY --from=build /opt/hotline /opt/hotline
# All that is written lies in DATA_DIR, or for a moment in /tmp: the rest may be read-only.
ENV PATH=/opt/hotline/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    HOST=0.0.0.0 \
    PORT=8080 \
    METRICS_HOST=0.0.0.0 \
    METRICS_PORT=9102 \
    DATA_DIR=/data \
    MODELS_DIR=/opt/hotline/models
USER 10001:10001
VOLUME /data
EXPOSE 8080 9102
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/readyz/pages', timeout=5)"]
ENTRYPOINT ["hotline"]
CMD ["run"]
