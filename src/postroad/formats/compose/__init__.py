"""Build a message from what a program says: addresses, texts and attachments."""
