"""What the workers of one machine share: memory that they inherit from their supervisor."""
