"""The commands of `fastmlp`, one file each. A command imports what it needs when it runs, so that the others start quickly."""
