"""A club: how boxes make themselves known to other systems, and pass their figures on."""
