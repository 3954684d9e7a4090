"""What is spoilt in PostgreSQL's rows is found."""

from adapters.sql.check_contract import CheckContract

TestCheck = CheckContract
