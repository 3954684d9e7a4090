#!/bin/sh
# A copy of the primary that follows it; what it has on its disk survives the primary's.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	rm -rf "$PGDATA"
	PGPASSWORD="$(cat "${SECRETS:-/run/secrets}/database_password")" pg_basebackup \
		--host "${PRIMARY:-primary}" --username standby --pgdata "$PGDATA" \
		--write-recovery-conf --slot standby --wal-method stream --checkpoint fast
fi
exec postgres "$@"
