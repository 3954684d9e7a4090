#!/bin/sh
# The bucket is a folder; its one user is postroad.
set -eu
objects="${OBJECTS:-/objects}"
mkdir -p "$objects/buckets/postroad" "$objects/metadata"
ROOT_ACCESS_KEY=postroad
ROOT_SECRET_KEY="$(cat "${SECRETS:-/run/secrets}/s3_secret")"
export ROOT_ACCESS_KEY ROOT_SECRET_KEY
exec versitygw --port "${LISTEN:-:7070}" --region us-east-1 --health /healthz --quiet --keep-alive \
	posix --sidecar "$objects/metadata" "$objects/buckets"
