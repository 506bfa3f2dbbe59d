"""What a user composes: layers, losses, optimizers, schedules, callbacks, and `Sequential`."""
