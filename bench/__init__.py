"""Postroad measured beside Dovecot and Postfix on the same machine: ``python -m bench``.

The servers take turns, so that a slow spell of the machine hits all of them, and what counts is
the median of the ratios of each round. The CPU time per operation is the steadier figure where
the machine has few cores or other work. Every figure is taken over the wire and from /proc;
nothing here knows the insides of a server.
"""
