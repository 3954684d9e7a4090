"""DomainKeys Identified Mail (RFC 6376, RFC 8301, RFC 8463): signing and verifying.

`signing.sign` and `verifying.Verifier` are the two ends; `keys` makes and reads keys.
"""
