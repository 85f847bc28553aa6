"""What `certify` does: each module one group of commands. Nothing heavy is imported before a command runs."""
