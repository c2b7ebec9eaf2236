"""What a transparency log proves. No network: a reader is handed in."""
