"""The commands of `fastmlp`, one file each. What a command needs is imported when it runs, so that every other one starts at once."""
