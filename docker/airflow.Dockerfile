# The Airflow image: scheduler, api-server, dag-processor and triggerer. It parses the DAGs and knows the steps by name
# only. So it has no torch, MLflow or DVC, and no `ncnc` command: that runs on the workers.
#
#   docker build -f docker/airflow.Dockerfile -t ncnc-airflow .
#
# The lock file serves as constraints here: docker/airflow-requirements.txt names what this image needs, and
# requirements.lock fixes the versions of that and of everything below it. A second lock could drift from the first.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm
FROM ${PYTHON_IMAGE}

# Options for pip, for example --index-url of your mirror. Build arguments stay readable in the image's history, so put
# no password here.
ARG PIP_INDEX_OPTIONS

ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/ncnc/dags \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False \
    DO_NOT_TRACK=1 \
    PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# The user id is fixed, so that a volume keeps its owner when the image is rebuilt.
RUN useradd --uid 50000 --create-home --home-dir /opt/airflow --shell /usr/sbin/nologin airflow

COPY requirements.lock docker/airflow-requirements.txt /tmp/
# Unquoted on purpose: PIP_INDEX_OPTIONS may hold several options.
# hadolint ignore=SC2086
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir ${PIP_INDEX_OPTIONS} -c /tmp/requirements.lock -r /tmp/airflow-requirements.txt \
    && pip check \
    && rm /tmp/requirements.lock /tmp/airflow-requirements.txt

COPY dags/ /opt/ncnc/dags/

# Import the executor and every provider module in use: a missing one fails the build, not the first heartbeat.
RUN python -c "import airflow.providers.celery.executors.celery_executor, airflow.providers.postgres.hooks.postgres, airflow.providers.standard.hooks.subprocess"

USER 50000
WORKDIR /opt/airflow
CMD ["airflow", "version"]
