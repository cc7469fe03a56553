"""Tools around training: data loading, checkpointing, TensorBoard."""
