# Builds a small image that runs notifier as a user without rights:
#   docker build -t notifier .
#   docker run --read-only -v ./config.toml:/etc/notifier/config.toml:ro \
#       -v notifier-state:/var/lib/notifier notifier
# docs/operations.md, "How do I run it in a container?", says more.
# compose.yaml is the quickstart in one command.
ARG PYTHON=docker.io/library/python:3.13-slim

FROM ${PYTHON} AS build
# [postgres] for a store in PostgreSQL (docs/cluster.md)
ARG EXTRAS=""
WORKDIR /src
COPY pyproject.toml README.md LICENSE config.example.toml config.schema.json ./
COPY systemd systemd
COPY notifier notifier
RUN python3 -m venv /opt/notifier \
    && /opt/notifier/bin/pip install --no-cache-dir ".${EXTRAS}" \
    && /opt/notifier/bin/pip uninstall --yes pip

FROM ${PYTHON}
LABEL org.opencontainers.image.title="notifier" \
    org.opencontainers.image.description="Webhooks for every OpenAI-compatible video gateway" \
    org.opencontainers.image.licenses="Apache-2.0"
# The user needs no entry in /etc/passwd. The state folder is its own, and so is a new volume there.
RUN install -d -m 0700 -o 10001 -g 10001 /var/lib/notifier
COPY --from=build /opt/notifier /opt/notifier
# State and control socket are on the one volume, so the root file system may be read-only.
ENV PATH=/opt/notifier/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NOTIFIER_CONFIG=/etc/notifier/config.toml \
    STATE_DIRECTORY=/var/lib/notifier \
    RUNTIME_DIRECTORY=/var/lib/notifier
USER 10001:10001
VOLUME /var/lib/notifier
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["notifier", "health"]
ENTRYPOINT ["notifier"]
CMD ["run"]
