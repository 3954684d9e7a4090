"""What every store must do; each adapter runs these contracts."""
