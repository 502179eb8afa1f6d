"""Training of one network: tensors, augmentation, optimiser, loop."""
