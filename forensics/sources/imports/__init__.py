"""Readers of what responders bring, one kind each. They state what the file says, and judge nothing."""
