#!/bin/sh
# Run by the image when it makes the cluster: from the next start on each commit waits for the standby.
set -eu
psql -X -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
	-v password="$(cat "${SECRETS:-/run/secrets}/database_password")" <<'END'
CREATE ROLE standby WITH REPLICATION LOGIN PASSWORD :'password';
SELECT pg_create_physical_replication_slot('standby');
ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)';
END
echo "host replication standby all scram-sha-256" >>"$PGDATA/pg_hba.conf"
