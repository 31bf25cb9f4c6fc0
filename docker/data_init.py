"""Create the bucket and the data repository if they are missing; safe to run again."""

from __future__ import annotations

import logging
import os
import subprocess

import boto3
from botocore.exceptions import ClientError

logger = logging.getLogger(__name__)


def ensure_bucket(name: str) -> bool:
    """Create a bucket of the S3 store that the environment names, and return whether it was missing."""
    # The endpoint, the keys and the region are read from the AWS_ variables: the same code serves any S3 store.
    client = boto3.client("s3")
    try:
        client.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket", "NotFound"):
            raise
        client.create_bucket(Bucket=name)
        return True
    return False


def ensure_data_repository(url: str) -> bool:
    """Give an empty git repository its first commit by `ncnc snapshots init`, and return whether it was empty."""
    answer = subprocess.run(["git", "ls-remote", url, "refs/heads/main"], capture_output=True, text=True, check=True)
    if answer.stdout.strip():
        return False
    subprocess.run(["ncnc", "snapshots", "init"], check=True)
    return True


def main() -> None:
    """Create what is missing."""
    bucket, url = os.environ["S3_BUCKET"], os.environ["NCNC_DATA_REPOSITORY"]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logger.info("bucket %s: %s", bucket, "created" if ensure_bucket(bucket) else "was there")
    logger.info("data repository: %s", "created" if ensure_data_repository(url) else "was there")


if __name__ == "__main__":
    main()
