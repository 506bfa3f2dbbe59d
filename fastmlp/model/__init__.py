"""The parts that users combine: layers, losses, optimizers, schedules, callbacks, and `Sequential`."""
