#!/bin/sh
# Run once by the postgres image, on an empty data folder: one database and one role for each of the three that need
# one, so that a worker, which holds the password of `celery` only, cannot read Airflow's or MLflow's tables.
set -eu

create() {
    # The password comes through the environment: a command line can be read by every process of the host.
    ROLE_PASSWORD="$2" psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --set role="$1" <<'SQL'
\getenv password ROLE_PASSWORD
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE CONNECT ON DATABASE :"role" FROM PUBLIC;
SQL
}

create airflow "$POSTGRES_AIRFLOW_PASSWORD"
create celery "$POSTGRES_CELERY_PASSWORD"
create mlflow "$POSTGRES_MLFLOW_PASSWORD"
