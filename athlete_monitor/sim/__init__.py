"""A believable squad: physiology, motion, sessions."""
