# The worker image: a Celery worker with torch and the `ncnc` command. The MLflow server, the git service and the one-shot
# set-up use it too, so that client and server have the same version and there are two images instead of five.
#
#   docker build -f docker/worker.Dockerfile -t ncnc-worker .                              CPU
#   docker build -f docker/worker.Dockerfile -t ncnc-worker:cuda --build-arg DEVICE=cuda . CUDA
#
# torch's wheels carry their own CUDA libraries: the host needs the driver and the container toolkit, the base image
# needs nothing.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm
FROM ${PYTHON_IMAGE}

# Options for pip, for example --index-url of your mirror. Build arguments stay readable in the image's history, so put
# no password here.
ARG PIP_INDEX_OPTIONS
ARG TORCH_INDEX_OPTIONS

# cpu asks for the wheel labelled +cpu, so that an index without it fails here and does not send gigabytes of CUDA;
# cuda takes the plain version, which on Linux is the CUDA build.
ARG DEVICE=cpu
ARG TORCH_VERSION=2.13.0

ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/ncnc/dags \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False \
    DO_NOT_TRACK=1 \
    DVC_NO_ANALYTICS=1 \
    GIT_TERMINAL_PROMPT=0 \
    MLFLOW_DISABLE_TELEMETRY=true \
    NCNC_HOME=/var/lib/ncnc \
    NCNC_PARAMS=/opt/ncnc/params.yaml \
    PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# A named volume takes its owner from the folder it is mounted on, so the folders are created here.
RUN apt-get update \
    && apt-get install -y --no-install-recommends git=1:2.39.* \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 50000 --create-home --home-dir /opt/airflow --shell /usr/sbin/nologin airflow \
    && install -d -o airflow -g airflow /srv/git /var/lib/ncnc /opt/airflow/logs \
    && git config --system user.name ncnc \
    && git config --system user.email ncnc@localhost

# torch first: it is the largest layer and changes least.
# Unquoted on purpose: the index options may hold several options. The version is pinned, in TORCH_VERSION.
# hadolint ignore=SC2086,DL3013
RUN python3 -m venv /opt/venv \
    && case "${DEVICE}" in \
         cpu) torch="torch==${TORCH_VERSION}+cpu" ;; \
         cuda) torch="torch==${TORCH_VERSION}" ;; \
         *) echo "DEVICE is cpu or cuda, not '${DEVICE}'." >&2; exit 2 ;; \
       esac \
    && pip install --no-cache-dir ${PIP_INDEX_OPTIONS} ${TORCH_INDEX_OPTIONS} "${torch}"

WORKDIR /opt/ncnc
COPY pyproject.toml requirements.lock ./
# The lock file as constraints: pyproject.toml names what is needed, the lock fixes the versions, and the tools of the
# developers, which the lock holds as well, stay outside. This layer is built anew only when one of the two changes.
# hadolint ignore=SC2086
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], "setuptools", sep="\n")' > /tmp/names.txt \
    && pip install --no-cache-dir ${PIP_INDEX_OPTIONS} -c requirements.lock -r /tmp/names.txt \
    && rm /tmp/names.txt

COPY README.md LICENSE /opt/source/
COPY ncnc_core/ /opt/source/ncnc_core/
COPY pipeline/ /opt/source/pipeline/
# Without an index: every dependency is installed already, and a missing one must fail. The sources are removed, so that
# no process imports them instead of the installed packages. The lock file lies beside the packages, as in a checkout: its
# digest is recorded with each trained model.
RUN cp pyproject.toml /opt/source/ \
    && pip install --no-cache-dir --no-index --no-deps --no-build-isolation /opt/source \
    && rm -r /opt/source \
    && ln -s /opt/ncnc/requirements.lock "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && pip check \
    && ncnc --help > /dev/null

COPY params.yaml ./
COPY dags/ dags/

# Recorded with each night. At the end, because a new commit would build every layer below it anew.
ARG NCNC_GIT_COMMIT
ENV NCNC_GIT_COMMIT=${NCNC_GIT_COMMIT}

USER 50000
CMD ["ncnc", "--help"]
