"""The command `forensics`: one file for each command. Parse, call, print."""
