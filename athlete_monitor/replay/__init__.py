"""Whole seasons of recordings computed by many processes or machines, with the results of one process."""
