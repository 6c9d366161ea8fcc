# Storewright itself: the bot, its store charts and helm, on a Python without a shell. It writes only under /data and /tmp.
# The base images are arguments: if there are no public images, dev/images builds them from Debian packages.
# Takes about 40 s.
ARG BUILD_IMAGE=python:3.11-slim-bookworm
ARG HELM_IMAGE=alpine/helm:4.1.4
ARG BASE_IMAGE=gcr.io/distroless/python3-debian12:nonroot

FROM ${HELM_IMAGE} AS helm

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
ENV PIP_CACHE_DIR=/var/cache/pip PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements-build.lock requirements.lock ./
RUN pip install --require-hashes --target /src/build-tools -r requirements-build.lock \
 && pip install --require-hashes --target /app/lib -r requirements.lock
COPY pyproject.toml LICENSE ./
COPY bot bot
COPY provisioner provisioner
RUN touch README.md \
 && PYTHONPATH=/src/build-tools pip install --no-deps --no-build-isolation --target /app/lib . \
 && mkdir /data /app/bin \
 && printf '#!/usr/bin/python3\nfrom bot.__main__ import main\nmain()\n' >/app/bin/storewright && chmod +x /app/bin/storewright
# Half of it all, and nothing here runs it: Kubernetes' client once more for asyncio, its methods and models (the bot
# calls the API by path), and a plug-in command's pip.
RUN cd /app/lib && rm -rf bin kubernetes/aio aiohttp aiohttp-* aiohttp_retry* pip pip-* \
 && find kubernetes/client/api kubernetes/client/models -type f ! -name __init__.py -delete

FROM ${BASE_IMAGE}
COPY --from=helm /usr/bin/helm /usr/bin/helm
COPY --from=build /app /app
ENV PATH=/app/bin:/usr/bin PYTHONPATH=/app/lib PYTHONUNBUFFERED=1 HOME=/tmp SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    CHARTS_DIR=/app/charts LEDGER_PATH=/data/ledger.db
USER 0:0
# Where the root is read-only, what is not compiled here is compiled at every start: modules, and templates, which a command loads.
RUN ["/usr/bin/python3", "-m", "compileall", "-q", "-j", "0", "/usr/lib/python3.11", "/app/lib"]
RUN ["/usr/bin/python3", "-m", "bot", "--version"]
COPY --from=build --chown=65532:65532 /data /data
COPY charts /app/charts
WORKDIR /app
USER 65532:65532
EXPOSE 3000 9090
ENTRYPOINT ["/usr/bin/python3", "-m", "bot"]
CMD ["run"]
