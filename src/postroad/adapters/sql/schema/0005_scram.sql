-- What SCRAM needs of a password, sealed with the master key; NULL where it is not kept.
ALTER TABLE credential ADD COLUMN scram {octets};
