"""The live process: squad state, heart-rate source, sessions, outputs."""
