"""The web, as seen from here."""
