"""The engine, read in an afternoon: tensors, the tape, operators, views."""
