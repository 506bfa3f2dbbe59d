"""The commands of `fastmlp`, one a file. What a command needs is imported when it runs, so that every other one starts at once."""
