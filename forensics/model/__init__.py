"""The nouns: frozen, typed, without I/O."""
