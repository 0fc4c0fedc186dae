# The stream worker: a virtual environment with the locked packages, the sources, no compiler, no root.
#
#   docker build .                                            from the Python image
#   docker build --build-arg BASE=IMAGE .                     from any image with Python 3.11 and its venv module
#   deploy/docker/images.sh worker                            without pulling anything
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS packages
ARG PIP_ARGUMENTS=""
# Wheels are there only if somebody has fetched them; the pattern lets an empty match pass.
COPY requirements/runtime.txt .build/wheels* /wheels/
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps ${PIP_ARGUMENTS} \
       -r /wheels/runtime.txt \
    && printf '#!/bin/sh\nexec /opt/venv/bin/python -m pipeline "$@"\n' >/opt/venv/bin/pipeline && chmod 0755 /opt/venv/bin/pipeline

FROM ${BASE}
# State is a view of the changelog topics: losing the folder costs time, not data.
RUN groupadd --gid 10001 pipeline && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data pipeline \
    && install -d -o pipeline -g pipeline -m 0700 /data /keys
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER pipeline
WORKDIR /data
VOLUME ["/data"]
ENTRYPOINT ["pipeline"]
CMD ["worker"]
# Last: what changes most often.
COPY . /app
