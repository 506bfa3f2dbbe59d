"""What is measured, without printing: the machine, the three gradients, the peers."""
