"""What several folders of tests need: real servers, disks that lose writes."""
