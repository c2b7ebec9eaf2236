"""The case: what was asked, what came back, byte for byte. Knows nothing of what an answer means."""
