"""What a signature proves. No network."""
