"""Pure formulas of exercise physiology and their streaming forms."""
