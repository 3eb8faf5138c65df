"""The squad as arrays: the pure step that advances every athlete, and the heart rate that counts."""
