"""What `postroad doctor` looks at, one subject per file."""
