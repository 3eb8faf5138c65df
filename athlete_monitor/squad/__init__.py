"""The squad as arrays: the pure step that advances every athlete, and the choice of the heart rate."""
