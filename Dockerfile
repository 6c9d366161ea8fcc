# The bot's image: Python, the bot, its charts and helm; non-root, nothing written outside /data and /tmp.
# Build it by `make bot-image`, which puts the pinned helm where a build may copy it from.
# The base image is an argument; any Debian 12 with Python 3.11 or later and venv will do.
ARG BASE_IMAGE=python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /src
RUN python3 -m venv /opt/storewright
COPY requirements.lock ./
RUN /opt/storewright/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN /opt/storewright/bin/pip install --no-cache-dir --no-deps .

FROM ${BASE_IMAGE}
COPY --from=build /opt/storewright /opt/storewright
COPY build/helm /usr/local/bin/helm
COPY charts /app/charts
WORKDIR /app
ENV PATH=/opt/storewright/bin:$PATH PYTHONDONTWRITEBYTECODE=1 HOME=/tmp \
    CHARTS_DIR=/app/charts LEDGER_PATH=/data/ledger.db
USER 65532:65532
VOLUME /data
EXPOSE 3000
ENTRYPOINT ["storewright"]
CMD ["run"]
